# SPDX-License-Identifier: Apache-2.0
"""Makes hako's guest kernel and initramfs from a distribution kernel package."""


class RecipeError(Exception):
    """A sentence for the person who builds: what failed, on what, and what to do next."""
