"""Ids of runs, of words that people can say aloud."""

import base64
import hashlib
import secrets

_ADJECTIVES = (
    "amber bold brave bright brisk calm clear clever cosy curious dapper eager early fair fleet fond gentle glad "
    "golden grand green happy humble keen kind lively lucky lunar mellow merry mild modest neat noble patient plucky "
    "polite proud quick quiet rapid ready rosy royal rustic sharp shiny silent silver sleek smart snowy solar steady "
    "still sunny swift tidy tiny vivid warm wise witty young"
).split()
_ANIMALS = (
    "ant badger bat bear beaver bison bunny camel crab crane crow cub dingo dove eagle eel elk falcon ferret finch "
    "fox gecko goat goose gull hare hawk heron hippo ibex ibis jay koala lark lemur lion llama lynx magpie marten "
    "mole moose moth mouse newt orca otter owl panda pony puffin quail rabbit raven robin seal shrew sloth stork swan "
    "tapir tern toad trout vole walrus wasp whale wolf wren yak zebra"
).split()


def new_run_id(nonce: str = "") -> str:
    """An id such as `quiet-otter-7f3a`: the same for the same nonce, a random one without a nonce."""
    digest = hashlib.sha256((nonce or secrets.token_hex(16)).encode()).digest()
    adjective, animal = _ADJECTIVES[digest[0] % len(_ADJECTIVES)], _ANIMALS[digest[1] % len(_ANIMALS)]
    return f"{adjective}-{animal}-{base64.b32encode(digest[2:7]).decode().lower()[:5]}"
