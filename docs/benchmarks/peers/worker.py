"""The fresh process: runs the function that it reads from stdin, and writes its figures as JSON."""

import json
import pickle
import sys


def main():
    function, contender, job, arguments = pickle.load(sys.stdin.buffer)
    print(json.dumps(function(contender, job, **arguments)))


if __name__ == "__main__":
    main()
