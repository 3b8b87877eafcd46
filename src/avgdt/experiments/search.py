"""The search for compositions (the paper's second contribution), by Optuna: resumable, pruned, judged on val."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from avgdt.composition.errors import CompositionError
from avgdt.evaluation.evaluate import evaluate, stored_result
from avgdt.evaluation.held_out import monitors
from avgdt.evaluation.protocols.probe import Linear
from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.grid import Cell, Grid
from avgdt.experiments.space import DIMENSIONS, Choices, described, searched_recipe
from avgdt.files import write_atomically
from avgdt.recipes.config import to_yaml
from avgdt.recipes.recipe import Recipe
from avgdt.training.checkpoints import Checkpoints
from avgdt.training.errors import TrainingError
from avgdt.training.lock import locked
from avgdt.training.loop import Metrics
from avgdt.training.pretrain import pretrain, resumed_recipe

if TYPE_CHECKING:
    import optuna

STORAGE = "search.db"
_COUNTED = ("RUNNING", "COMPLETE", "PRUNED")
"""States of the trials that count; one whose choices exclude each other fails."""
STARTUP_TRIALS = 10
"""Random trials before the sampler and the pruner use the results."""
FRESH_SEEDS = 1000
"""First seed of the confirmation; the search uses seeds below it."""


@dataclass(frozen=True)
class Search:
    """A search: the recipe whose composition is varied, the data, the folder and the judge."""

    recipe: Recipe
    data: Path
    out: Path
    trials: int
    """Trials in all, over all workers and sessions."""
    label: str
    """Column of the class, for the linear probe on val that judges; empty: held-out recall at 10 judges."""

    def __post_init__(self) -> None:
        if self.recipe.run.monitor_epochs == 0:
            raise ExperimentError("run.monitor_epochs: 0 measures nothing during training; use 1 or more")
        if self.recipe.run.seed >= FRESH_SEEDS:
            raise ExperimentError(f"run.seed: {self.recipe.run.seed} is kept for the confirmation; use less than 1000")

    @property
    def judge(self) -> str:
        """The figure that trials are ranked by."""
        return "accuracy of a linear probe on val" if self.label else "R@10 on held-out recordings"

    def study(self) -> optuna.Study:
        """The study in ``out/search.db``, made where it is not there yet.

        Raises :class:`ExperimentError` without Optuna, and where the study is of another recipe, data set or judge.
        """
        try:
            import optuna
        except ImportError:
            raise ExperimentError("the search needs Optuna: pip install 'avgdt[experiments]'") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.out.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            storage=f"sqlite:///{(self.out / STORAGE).absolute()}",
            study_name="search",
            direction="maximize",
            load_if_exists=True,
            sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, multivariate=True, seed=None),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
        )
        identity = {"recipe": to_yaml(_searched(self.recipe)), "data": str(self.data.resolve()), "label": self.label}
        before = study.user_attrs or identity
        if changed := [name for name in identity if before.get(name) != identity[name]]:
            raise ExperimentError(f"{self.out}: was searched with another {' and '.join(changed)}; use another --out")
        for name, value in identity.items():
            study.set_user_attr(name, value)
        return study

    def work(self, on_trial: Callable[[int, str], None], on_message: Callable[[str], None]) -> None:
        """Run trials until the study has enough: first those that a process before has left, then new ones.

        ``on_trial`` is called with the number of a finished trial and its result in words.
        """
        import optuna

        study = self.study()
        running = (optuna.trial.TrialState.RUNNING,)
        for frozen in study.get_trials(deepcopy=False, states=running):
            self._work_on(optuna.Trial(study, frozen._trial_id), on_trial, on_message)
        while sum(trial.state.name in _COUNTED for trial in study.get_trials(deepcopy=False)) < self.trials:
            self._work_on(study.ask(), on_trial, on_message)

    def folder(self, number: int) -> Path:
        """The run's folder of a trial."""
        return self.out / "trials" / f"{number:04d}"

    def best(self) -> tuple[Choices, float]:
        """The choices of the best trial and its value; raises :class:`ExperimentError` where none is complete."""
        study = self.study()
        try:
            return dict(study.best_params), float(study.best_value)
        except ValueError:
            raise ExperimentError(f"{self.out}: no trial is complete; search with more --trials") from None

    def _work_on(
        self, trial: optuna.Trial, on_trial: Callable[[int, str], None], on_message: Callable[[str], None]
    ) -> None:
        """Run a trial and tell the study, unless another process runs it."""
        import optuna

        number, study = trial.number, trial.study
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self.out / "claims" / f"{number:04d}"))
            except TrainingError:
                return
            if study.trials[number].state.is_finished():
                return
            try:
                value = self._run(trial, on_message)
            except optuna.TrialPruned:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                on_trial(number, "pruned")
            except CompositionError:  # the choices exclude each other; such a trial does not count
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, value)
                on_trial(number, f"{100 * value:.1f} % ({described(trial.params)})")

    def _run(self, trial: optuna.Trial, on_message: Callable[[str], None]) -> float:
        """Train and judge one trial; raises ``optuna.TrialPruned`` where it falls behind."""
        choices = {name: str(trial.suggest_categorical(name, levels)) for name, levels in DIMENSIONS.items()}
        recipe = _stored(searched_recipe(self.recipe, choices), self.out)
        folder = self.folder(trial.number)
        recalls = [0.0]

        def logged(metrics: Metrics) -> None:
            import optuna

            if metrics["kind"] == "heldout":
                recalls.append(fmean(metrics[way]["r10"] for way in ("video_to_audio", "audio_to_video")))
                # Compared at equal shares of the training: the number of epochs depends on the views.
                trial.report(recalls[-1], round(100 * metrics["epoch"] / recipe.schedule.epochs))
                if metrics["epoch"] < recipe.schedule.epochs and trial.should_prune():
                    raise optuna.TrialPruned

        if not (folder / "weights.safetensors").exists():
            resume = bool(Checkpoints(folder).paths())
            pretrain(
                resumed_recipe(folder) if resume else recipe,
                None if resume else self.data,
                folder,
                resume,
                monitors,
                on_metrics=logged,
                on_message=on_message,
            )
        if not self.label:
            return recalls[-1]
        protocol = Linear(label=self.label, seed=recipe.run.seed)
        result = stored_result(protocol, folder, self.data, folder, recipe.run.device)
        if result is None:
            result, _ = evaluate(protocol, folder, self.data, folder, recipe.run.device)
        return float(result["pretrained"]["val_accuracy"])

    def confirmation(self, seeds: int, measures: Any) -> Grid:
        """The winner and the recipe's own composition, retrained with fresh seeds and judged on test."""
        cells = (
            Cell((("composition", "searched"),), searched_recipe(self.recipe, self.best()[0])),
            Cell((("composition", "by hand"),), self.recipe),
        )
        fresh = tuple(range(FRESH_SEEDS, FRESH_SEEDS + seeds))
        return Grid(cells, fresh, self.data, self.out / "confirmation", measures)

    def write_best(self) -> Path:
        """Write the recipe of the best trial to ``out/best.yaml`` and return the path."""
        choices, _ = self.best()
        recipe = replace(searched_recipe(self.recipe, choices), title=f"Found by a search: {described(choices)}")
        path = self.out / "best.yaml"
        write_atomically(path, lambda file: file.write(to_yaml(recipe).encode()), "free some space")
        return path


def _searched(recipe: Recipe) -> Recipe:
    """The part of a recipe that decides the results."""
    return replace(recipe, run=replace(recipe.run, workers=-1, checkpoint_minutes=10.0, checkpoints=1))


def _stored(recipe: Recipe, out: Path) -> Recipe:
    store = recipe.data.store if recipe.data.store != "auto" else str((out / "store").absolute())
    return replace(recipe, data=replace(recipe.data, store=store))
