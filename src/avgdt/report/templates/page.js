"use strict";
// Films play on a click or on Enter, one at a time; without this script they have the browser's own controls.
for (const film of document.querySelectorAll(".tile video")) {
  const button = document.createElement("button");
  const named = film.getAttribute("aria-label");
  const tell = (verb) => button.setAttribute("aria-label", `${verb} ${named}`);
  button.type = "button";
  button.className = "play";
  tell("Play");
  film.controls = false;
  film.after(button);
  button.addEventListener("click", () => (film.paused ? film.play() : film.pause()));
  film.addEventListener("play", () => {
    for (const other of document.querySelectorAll("video")) if (other !== film) other.pause();
    button.classList.add("playing");
    tell("Pause");
  });
  film.addEventListener("pause", () => {
    button.classList.remove("playing");
    tell("Play");
  });
  film.addEventListener("ended", () => film.load());
}
