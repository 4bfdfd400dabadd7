"""What a build does before its version is released: ``python -m config.build``."""

from config.wsgi import application
from runtime import publishing


def main() -> None:
    for problem in publishing.publish(application):
        print(f"build: {problem}")


if __name__ == "__main__":
    main()
