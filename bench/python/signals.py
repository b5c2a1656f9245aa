"""The signals bench's peer: numpy, scipy and scikit-learn over whole arrays. Reads a command a line as JSON, answers a line of JSON."""

import json
import sys
import time

import numpy as np
from scipy import signal

folder = sys.argv[1]
band_edges = np.linspace(0, 500, 9)


forest = None


def features_of(devices, samples, channels, rate, offset):
    """Resample, filter, cut into windows of a second, and take the spectrum of each: by device and channel."""
    data = np.fromfile(f"{folder}/signals.f64").reshape(devices, channels, samples)
    sos = signal.butter(4, [20, 400], "bandpass", fs=rate, output="sos")
    start = signal.sosfilt_zi(sos)
    taper = signal.get_window("hann", rate)
    scale = 1 / (rate * (taper**2).sum())
    frequency = np.fft.rfftfreq(rate, 1 / rate)
    edges = np.searchsorted(frequency, band_edges)
    edges[-1] = len(frequency)
    features = []
    when = offset + np.arange(samples) / rate
    grid = np.arange(1, samples) / rate
    for device in data:
        for values in device:
            even = np.interp(grid, when, values)
            smooth, _ = signal.sosfilt(sos, even, zi=start * even[0])
            # The first window lacks the sample at its start.
            cut = smooth[rate - 1 :]
            cut = cut[: len(cut) // rate * rate].reshape(-1, rate)
            spectrum = np.fft.rfft((cut - cut.mean(axis=1, keepdims=True)) * taper)
            power = 2 * scale * (spectrum.real**2 + spectrum.imag**2)
            power[:, [0, -1]] /= 2
            total = power.sum(axis=1)
            bands = np.add.reduceat(power, edges[:-1], axis=1)
            share = power / total[:, None]
            entropy = -(share * np.log(share, where=share > 0, out=np.zeros_like(share))).sum(axis=1)
            peak = frequency[power.argmax(axis=1)]
            centroid = (share @ frequency)
            features.append(np.column_stack([bands, peak, centroid, entropy / np.log(len(frequency))]))
    result = np.stack(features)[:, :-1]  # its peer does not close the last window
    windows = result.shape[1]
    rows = result.reshape(devices, channels, windows, -1).transpose(0, 2, 1, 3).reshape(devices * windows, -1)
    return result, rows


def labels_of(devices, windows):
    """Of the windows that are whole: the first of each device is not, and the last is not closed."""
    labels = np.fromfile(f"{folder}/labels.i32", np.int32).reshape(devices, -1)
    return labels[:, 1 : 1 + windows].ravel()


def fit(trees, **shape):
    from sklearn.ensemble import RandomForestClassifier

    global forest
    result, rows = features_of(**shape)
    forest = RandomForestClassifier(trees, random_state=1, n_jobs=1).fit(rows, labels_of(shape["devices"], result.shape[1]))
    return {}


def run(trees, **shape):
    began = time.process_time()
    result, rows = features_of(**shape)
    probabilities = forest.predict_proba(rows)
    labels = forest.classes_[probabilities.argmax(axis=1)]
    seconds = time.process_time() - began
    right = float((labels == labels_of(shape["devices"], result.shape[1])).mean())
    return {"seconds": seconds, "sums": result.sum(axis=(0, 1)).tolist(), "right": right}


def versions():
    import scipy
    import sklearn

    return {"versions": f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}"}


commands = {"fit": fit, "run": run, "versions": versions}
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(commands[command.pop("do")](**command)), flush=True)
