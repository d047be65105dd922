#!/usr/bin/env python3
"""Trains the two stages that choose the main content, and says how good they are.

    train.py PAGES WORK BINARY [--model FILE] [--report FILE]

PAGES   the sets as score.py has them
WORK    a folder for features, scores and labels
BINARY  the example `pages`, built with the feature `training`; it computes every feature
MODEL   where the trained model goes

Scores are out of fold: five folds by registrable domain over all sets together. The first stage's
scores that the second one learns from are out of fold, too.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import lightgbm as lgb
import numpy as np

import data as pages_data
import model_file

SEED = 7
STAGE1 = dict(num_leaves=40, max_depth=8, learning_rate=0.08, min_data_in_leaf=60, feature_fraction=0.4,
              bagging_fraction=0.8, bagging_freq=1, lambda_l2=5.0)
STAGE2 = dict(num_leaves=32, max_depth=8, learning_rate=0.06, min_data_in_leaf=80, feature_fraction=0.4,
              bagging_fraction=0.8, bagging_freq=1, lambda_l2=10.0)
TREES1, TREES2 = 160, 140
# Weight of a page of which only a few segments are known; others have 1.
PARTLY = 0.4
COMMON = dict(objective="cross_entropy", verbosity=-1, seed=SEED, deterministic=True,
              force_col_wise=True, num_threads=1, max_bin=255, min_data_in_bin=1,
              feature_pre_filter=False)


def weights(d):
    """Long blocks count more than short ones, and every page the same."""
    size = np.sqrt(d.words + 1.0)
    total = np.bincount(d.page, weights=size, minlength=len(d.pages))
    weight = size / total[d.page]
    # Of pages with a few known segments only those blocks count, and less.
    known = ~np.isnan(d.share)
    partly = np.array([p.truth.get("text") is None for p in d.pages])[d.page]
    weight[partly] *= 0.0
    counts = np.bincount(d.page, weights=known, minlength=len(d.pages))
    weight[partly & known] = PARTLY / np.maximum(counts, 1)[d.page][partly & known]
    return weight / weight[known].mean(), known


def fit(x, y, w, params, trees):
    train = lgb.Dataset(x, label=y, weight=w, free_raw_data=False,
                        params=dict(max_bin=255, min_data_in_bin=1, feature_pre_filter=False))
    return lgb.train({**COMMON, **params}, train, trees)


def of_fold(job):
    fold, params, trees = job
    d, x, w, known = SHARED
    inside = (d.fold != fold) & known
    booster = fit(x[inside], d.share[inside], w[inside], params, trees)
    return fold, booster.predict(x[d.fold == fold], num_threads=1)


def out_of_fold(d, x, w, known, params, trees):
    """Folds side by side, each on one thread: what a thread count cannot change is reproducible."""
    global SHARED
    SHARED = d, x, w, known
    scores = np.zeros(len(x), dtype=np.float32)
    jobs = [(fold, params, trees) for fold in range(pages_data.FOLDS)]
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        for fold, predicted in pool.imap_unordered(of_fold, jobs):
            scores[d.fold == fold] = predicted
    return scores


def context(args, scores, name):
    """The second stage's own features, computed by the same code as in production."""
    work = Path(args.work)
    scores.astype("<f4").tofile(work / f"{name}.f32")
    out = work / name
    out.mkdir(exist_ok=True)
    subprocess.run([args.binary, "context", args.pages, str(work / f"{name}.f32"), str(out)], check=True)
    return np.fromfile(out / "context.u8", dtype=np.uint8).reshape(len(scores), -1)


def outputs(d, scores, threshold):
    out = {}
    for p in d.pages:
        kept = scores[p.rows] >= threshold
        text = "\n".join(b["text"] for b, k in zip(p.blocks, kept) if k)
        out.setdefault(p.set, {})[p.id] = {"text": text}
    return out


def evaluate(score, d, scores, thresholds, label):
    """Prints and returns {threshold: {set: scores}}."""
    rows = {}
    truths = {}
    for p in d.pages:
        truths.setdefault(p.set, {})[p.id] = p.truth
    for threshold in thresholds:
        out = outputs(d, scores, threshold)
        rows[threshold] = {s: score.text_scores(s, truths[s], out[s]) for s in sorted(out)}
        line = "  ".join(f"{s} {r['F1']:.4f} (P {r['P']:.3f} R {r['R']:.3f})" for s, r in rows[threshold].items())
        print(f"{label} {threshold:.2f}  {line}", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pages"), parser.add_argument("work"), parser.add_argument("binary")
    parser.add_argument("--scorer", required=True, help="score.py, whose metrics are used")
    parser.add_argument("--model"), parser.add_argument("--report")
    parser.add_argument("--threshold", type=float, default=0.4)
    parser.add_argument("--stage1-only", action="store_true")
    parser.add_argument("--reuse", action="store_true", help="features are in WORK already")
    args = parser.parse_args()
    sys.path.insert(0, str(Path(args.scorer).parent))
    import score

    if not args.reuse:
        subprocess.run([args.binary, "features", args.pages, args.work], check=True)
    d = pages_data.load(args.pages, args.work)
    w, known = weights(d)
    print(f"{len(d.pages)} pages, {len(d.features)} blocks, {d.features.shape[1]} features, {known.sum()} labelled")
    ideal = np.nan_to_num(d.share)
    evaluate(score, d, ideal, [0.5], "ideal")
    first = out_of_fold(d, d.features, w, known, STAGE1, TREES1)
    thresholds = [0.25, 0.3, 0.35, 0.4, 0.45, 0.5]
    rows = evaluate(score, d, first, thresholds, "stage 1")
    np.save(Path(args.work) / "oof1.npy", first)
    if args.stage1_only:
        return
    second_x = np.hstack([d.features, context(args, first, "context")])
    second = out_of_fold(d, second_x, w, known, STAGE2, TREES2)
    np.save(Path(args.work) / "oof2.npy", second)
    rows = evaluate(score, d, second, thresholds, "stage 2")
    if args.report:
        Path(args.report).write_text(json.dumps({str(t): r for t, r in rows.items()}, indent=1))
    if args.model:
        one = fit(d.features[known], d.share[known], w[known], STAGE1, TREES1)
        two = fit(second_x[known], d.share[known], w[known], STAGE2, TREES2)
        model_file.write(args.model, d.names, [one, two], args.threshold)


if __name__ == "__main__":
    main()
