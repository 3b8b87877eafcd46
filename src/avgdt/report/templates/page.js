"use strict";
// Snippets play on a click or on Enter, one at a time. Without this script, they show the controls of the browser.
for (const snippet of document.querySelectorAll(".tile video")) {
  const button = document.createElement("button");
  const name = snippet.getAttribute("aria-label");
  const setLabel = (verb) => button.setAttribute("aria-label", `${verb} ${name}`);
  button.type = "button";
  button.className = "play";
  setLabel("Play");
  snippet.controls = false;
  snippet.after(button);
  button.addEventListener("click", () => (snippet.paused ? snippet.play() : snippet.pause()));
  snippet.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video")) if (other !== snippet) other.pause();
    button.classList.add("playing");
    setLabel("Pause");
  });
  snippet.addEventListener("pause", () => {
    button.classList.remove("playing");
    setLabel("Play");
  });
  snippet.addEventListener("ended", () => snippet.load());
}
