"""Where the small model answers: `python -m proofs.small_model_server FILE PORT THREADS`."""

import sys

import xllamacpp


def serve(weights: str, port: int, threads: int) -> None:
    """Serve until whoever started this has gone."""
    given = xllamacpp.CommonParams()
    given.model.path, given.hostnames, given.port = weights, ["127.0.0.1"], port
    given.n_ctx, given.n_parallel, given.warmup, given.verbosity = 8192, 1, False, -1
    given.cpuparams.n_threads = threads
    server = xllamacpp.Server(given)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
