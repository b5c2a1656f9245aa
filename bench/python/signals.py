"""The signals bench's peer: numpy and scipy over whole arrays. Reads a command a line as JSON, answers a line of JSON."""

import json
import sys
import time

import numpy as np
from scipy import signal

folder = sys.argv[1]
band_edges = np.linspace(0, 500, 9)


def run(devices, samples, channels, rate, offset):
    """Resample, filter, cut into windows of a second, and take the spectrum of each: by device and channel."""
    data = np.fromfile(f"{folder}/signals.f64").reshape(devices, channels, samples)
    sos = signal.butter(4, [20, 400], "bandpass", fs=rate, output="sos")
    start = signal.sosfilt_zi(sos)
    taper = signal.get_window("hann", rate)
    scale = 1 / (rate * (taper**2).sum())
    frequency = np.fft.rfftfreq(rate, 1 / rate)
    edges = np.searchsorted(frequency, band_edges)
    edges[-1] = len(frequency)
    began = time.process_time()
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
    seconds = time.process_time() - began
    result = np.stack(features)[:, :-1]  # its peer does not close the last window
    return {"seconds": seconds, "windows": int(result.shape[0] * result.shape[1] / channels), "sums": result.sum(axis=(0, 1)).tolist()}


def versions():
    import scipy

    return {"versions": f"numpy {np.__version__}, scipy {scipy.__version__}"}


commands = {"run": run, "versions": versions}
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(commands[command.pop("do")](**command)), flush=True)
