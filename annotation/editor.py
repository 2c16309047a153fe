"""What the editor's frame may do: show the editor, and reach nothing. Pure.

The frame shows untrusted data. What enters it is given by the work page: the config, the fields
that it shows, and a draft; no gold answer, nobody else's work, no id that means anything elsewhere.
"""


def frame_policy(origin: str) -> str:
    """Return the content security policy of the frame.

    The frame has an origin that nothing else shares, so `'self'` would mean nothing: our own
    address is named instead. It may load the editor's files and nothing of ours.
    """
    files = f"{origin}/editor/assets/"
    scripts = f"{origin}/editor/scripts/"
    # Files of tasks, each by a signed link that stands in the task itself.
    media = f"{origin}/media/"
    return "; ".join(
        [
            "sandbox allow-scripts",
            "default-src 'none'",
            # Sounds are decoded by WebAssembly, and drawn by workers made from blobs.
            f"script-src {files} {scripts} 'wasm-unsafe-eval' blob:",
            f"worker-src {files} blob:",
            # The editor styles its controls from scripts; styles alone reach nothing.
            f"style-src {files} {scripts} 'unsafe-inline'",
            f"font-src {files} data:",
            f"img-src {files} {media} data: blob:",
            f"media-src {files} {media} data: blob:",
            f"connect-src {files} {media} data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
            f"frame-ancestors {origin}",
        ]
    )
