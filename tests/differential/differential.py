"""What the differential tests share: the same texts to our program and to Python's library, answer against answer."""
import os, random, subprocess, sys

SEED = int(os.environ.get("HERMES_SEED", "20261124"))
COUNT = int(os.environ.get("HERMES_CASES", "4000"))


def ask(texts):
    """The program's answers (its path is the script's argument), one line for each text."""
    data = b"".join(b"%d\n%s" % (len(text), text) for text in texts)
    done = subprocess.run([sys.argv[1]], input=data, stdout=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"the program ended with {done.returncode}")
    return done.stdout.decode().splitlines()


def mutate(chance, text, pieces):
    """Some bytes of TEXT removed, doubled, or PIECES put in."""
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.randrange(1, 4))
        kind = chance.randrange(4)
        piece = chance.choice(pieces)
        text = [text[:at] + text[end:], text[:at] + piece + text[at:], text[:at] + piece + text[end:],
                text[:end] + text[at:]][kind]
    return text


def compare(texts, expected, same=str.__eq__):
    """EXPECTED(text) is what the library says, None where it has no say. Prints each difference, and ends with 1 when
    there is one."""
    answers = ask(texts)
    differences = 0
    assert len(texts) == len(answers)
    for text, ours in zip(texts, answers):
        theirs = expected(text)
        if theirs is None or same(ours, theirs):
            continue
        differences += 1
        if differences <= 10:
            print(f"{text!r}\n  ours   {ours}\n  theirs {theirs}")
    print(f"{len(texts)} texts, {differences} differences (seed {SEED})")
    sys.exit(1 if differences else 0)


def chance():
    return random.Random(SEED)
