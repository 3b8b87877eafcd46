"""Resumable Optuna search over compositions, with pruning (the paper's second contribution)."""

from __future__ import annotations

import fcntl
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from avgdt.composition.errors import CompositionError
from avgdt.data.errors import DataError
from avgdt.errors import missing_package
from avgdt.evaluation.evaluate import evaluate, stored_result
from avgdt.evaluation.held_out import monitors
from avgdt.evaluation.protocols.probe import Linear
from avgdt.experiments.errors import ExperimentError
from avgdt.experiments.grid import Grid, GridCell, Measure
from avgdt.experiments.runs import check_data, identifying, train, with_store
from avgdt.experiments.space import DIMENSIONS, Choices, choices_line, own_choices, searched_recipe
from avgdt.files import write_atomically
from avgdt.recipes.config import to_yaml
from avgdt.recipes.errors import RecipeError
from avgdt.recipes.recipe import Recipe
from avgdt.training.errors import Diverged, TrainingError
from avgdt.training.lock import locked
from avgdt.training.loop import Metrics
from avgdt.training.metrics import read_metrics

if TYPE_CHECKING:
    import optuna

STORAGE = "search.db"
FAILED = "failed"
"""Name of the Optuna user attribute that stores the error message of a failed trial."""
STARTUP_TRIALS = 10
"""Number of random trials before the sampler and the pruner use the results of earlier trials."""
UNPRUNED = 50
"""Percentage of the training after which a trial may be pruned: at first, the loss of every composition is on a plateau
and held-out recall is noise."""
FRESH_SEEDS = 1000
"""First seed of the confirmation runs; the seed of the search must be smaller."""


@dataclass(frozen=True)
class Search:
    """Search over compositions of a recipe; trials are trained on ``data`` and stored in the folder ``out``."""

    recipe: Recipe
    data: Path
    out: Path
    trials: int
    """Total number of trials, over all worker processes and resumed searches."""
    label: str
    """Column with the class labels for a linear probe, whose validation accuracy ranks the trials; if empty, trials are
    ranked by recall at 10 on held-out recordings."""

    def __post_init__(self) -> None:
        if self.recipe.run.monitor_epochs == 0:
            raise ExperimentError("run.monitor_epochs: 0 disables measurements during training; use 1 or more")
        if self.recipe.run.seed >= FRESH_SEEDS:
            raise ExperimentError(
                f"run.seed: {self.recipe.run.seed} is reserved for the confirmation; use a seed below {FRESH_SEEDS}"
            )

    @property
    def measure(self) -> str:
        """Name of the metric by which trials are ranked."""
        return "accuracy of a linear probe on val" if self.label else "R@10 on held-out recordings"

    def study(self) -> optuna.Study:
        """Return the Optuna study in ``out/search.db``, which is created if it does not exist.

        Raises :class:`ExperimentError` if Optuna is not installed, if ``search.db`` cannot be used, or if its study
        belongs to another recipe, data set or label.
        """
        try:
            import optuna
        except ImportError:
            raise ExperimentError(missing_package("the search", "optuna")) from None
        from sqlalchemy.exc import SQLAlchemyError

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        identity = {
            "recipe": to_yaml(identifying(self.recipe)),
            "data": str(self.data.resolve()),
            "label": self.label,
        }
        storage = f"sqlite:///{(self.out / STORAGE).absolute()}"
        self.out.mkdir(parents=True, exist_ok=True)
        try:
            with _one_at_a_time(self.out):
                study = optuna.create_study(
                    storage=storage,
                    study_name="search",
                    direction="maximize",
                    load_if_exists=True,
                    sampler=optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, multivariate=True),
                    pruner=optuna.pruners.MedianPruner(STARTUP_TRIALS, n_warmup_steps=UNPRUNED),
                )
                before = study.user_attrs.get("identity")
                if before is None:
                    study.set_user_attr("identity", identity)
        except SQLAlchemyError as error:
            reason = str(error).splitlines()[0]
            raise ExperimentError(f"{self.out / STORAGE}: cannot be used ({reason}); use another --out") from None
        if before is not None and (changed := [name for name in identity if before[name] != identity[name]]):
            raise ExperimentError(
                f"{self.out}: contains a search with another {' and '.join(changed)}; use another --out"
            )
        return study

    def work(self, on_trial: Callable[[int, str], None], on_message: Callable[[str], None]) -> None:
        """Resume the unfinished trials of earlier processes, then run new trials until the study has ``trials`` trials.

        The first new trial has the recipe's own composition, if it is in the search space. After each trial,
        ``on_trial`` is called with its number and a description of its result.
        """
        import optuna

        check_data(self.data, self.recipe, self.label)
        study = self.study()
        if (own := own_choices(self.recipe)) is not None:
            with _one_at_a_time(self.out):
                study.enqueue_trial(own, skip_if_exists=True)
        running = (optuna.trial.TrialState.RUNNING,)
        for frozen in study.get_trials(deepcopy=False, states=running):
            self._work_on(optuna.Trial(study, frozen._trial_id), on_trial, on_message)
        while sum(map(counts, study.get_trials(deepcopy=False))) < self.trials:
            self._work_on(_new_trial(study), on_trial, on_message)

    def folder(self, number: int) -> Path:
        """Return the run folder of a trial."""
        return self.out / "trials" / f"{number:04d}"

    def ranked(self) -> list[optuna.trial.FrozenTrial]:
        """Return the complete trials, best first; raise :class:`ExperimentError` if no trial is complete."""
        complete = [trial for trial in self.study().get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
        if not complete:
            raise ExperimentError(f"{self.out}: no trial is complete; increase --trials")
        return sorted(complete, key=lambda trial: (-(trial.value or 0.0), trial.number))

    def found(self) -> optuna.trial.FrozenTrial:
        """Return the best complete trial whose composition is not the recipe's own.

        Raises :class:`ExperimentError` if there is none.
        """
        own = own_choices(self.recipe)
        for trial in self.ranked():
            if trial.params != own:
                return trial
        raise ExperimentError(f"{self.out}: only the recipe's own composition is complete; increase --trials")

    def recipe_of(self, trial: optuna.trial.FrozenTrial) -> Recipe:
        """Return the recipe of a trial, with the seed of the search."""
        title = f"Found by a search, trial {trial.number}: {choices_line(trial.params)}"
        return replace(searched_recipe(self.recipe, trial.params), title=title)

    def _work_on(
        self, trial: optuna.Trial, on_trial: Callable[[int, str], None], on_message: Callable[[str], None]
    ) -> None:
        """Run a trial and report its result to the study, unless another process is running the trial."""
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
            except CompositionError:  # the choices are incompatible
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            except (Diverged, RecipeError, DataError) as error:  # caused by this composition, so the search continues
                trial.set_user_attr(FAILED, str(error))
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                on_trial(number, f"failed: {error}")
            else:
                study.tell(trial, value)
                on_trial(number, f"{100 * value:.1f} % ({choices_line(trial.params)})")

    def _run(self, trial: optuna.Trial, on_message: Callable[[str], None]) -> float:
        """Train and evaluate one trial and return its value; raise ``optuna.TrialPruned`` if the trial is pruned."""
        from optuna import TrialPruned

        choices = _choices(trial)
        recipe = with_store(searched_recipe(self.recipe, choices), self.out)
        folder = self.folder(trial.number)

        def logged(metrics: Metrics) -> None:
            if metrics["kind"] == "heldout":
                # Trials are compared at equal fractions of training, since their numbers of epochs differ.
                trial.report(_recall(metrics), round(100 * metrics["epoch"] / recipe.schedule.epochs))
                if metrics["epoch"] < recipe.schedule.epochs and trial.should_prune():
                    raise TrialPruned

        train(recipe, self.data, folder, monitors, logged, on_message)
        if self.label:
            protocol = Linear(label=self.label, seed=recipe.run.seed)
            result = stored_result(protocol, folder, self.data, folder, recipe.run.device)
            if result is None:
                result, _ = evaluate(protocol, folder, self.data, folder, recipe.run.device)
            return float(result["pretrained"]["val_accuracy"])
        measured = [metrics for metrics in read_metrics(folder / "metrics.jsonl") if metrics["kind"] == "heldout"]
        if not measured:
            raise ExperimentError(f"{self.data}: has fewer than two {self.recipe.data.held_out} recordings; add more")
        return _recall(measured[-1])

    def confirmation(self, seeds: int, measures: tuple[Measure, ...]) -> Grid:
        """Return the confirmation grid, which compares the composition :meth:`found` with the recipe's own one.

        Both are trained with seeds that the search has not used, and evaluated by ``measures`` on the test split.
        """
        found = self.found()
        cells = (
            GridCell((("composition", f"trial {found.number}"),), self.recipe_of(found)),
            GridCell((("composition", "by hand"),), self.recipe),
        )
        fresh = tuple(range(FRESH_SEEDS, FRESH_SEEDS + seeds))
        return Grid(cells, fresh, self.data, self.out / "confirmation", measures)

    def write_best(self) -> Path:
        """Write the recipe of the best trial to ``out/best.yaml`` and return the path."""
        path, text = self.out / "best.yaml", to_yaml(self.recipe_of(self.ranked()[0])).encode()
        write_atomically(path, lambda file: file.write(text), "free some disk space")
        return path


def _new_trial(study: optuna.Study) -> optuna.Trial:
    """Return a new trial whose choices differ from those of all other trials.

    If the sampler proposes the choices of an earlier trial, which would have the same result, one of them is changed.
    """
    from optuna.trial import TrialState

    trial = study.ask()
    choices = proposed = _choices(trial)
    others = [other.params for other in study.get_trials(deepcopy=False) if other.number != trial.number]
    if choices not in others:
        return trial
    rng = random.Random(trial.number)
    while choices in others:
        name = rng.choice(list(DIMENSIONS))
        choices = (proposed if rng.random() < 0.5 else choices) | {name: rng.choice(DIMENSIONS[name])}
    study.tell(trial, state=TrialState.FAIL)
    study.enqueue_trial(choices)
    return study.ask()


def _choices(trial: optuna.Trial) -> Choices:
    return {name: str(trial.suggest_categorical(name, levels)) for name, levels in DIMENSIONS.items()}


def counts(trial: optuna.trial.FrozenTrial) -> bool:
    """Return whether a trial counts towards the total; trials with incompatible choices do not."""
    return trial.state.name in ("RUNNING", "COMPLETE", "PRUNED") or FAILED in trial.user_attrs


def _recall(metrics: Metrics) -> float:
    """Return the recall at 10, averaged over both retrieval directions."""
    return fmean(metrics[direction]["r10"] for direction in ("video_to_audio", "audio_to_video"))


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Return a context manager that only one process can enter at a time; others wait."""
    with (folder / ".search.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
