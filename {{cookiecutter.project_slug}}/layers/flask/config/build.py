"""What a build does before its version is released: ``python -m config.build``."""

from config.wsgi import application
from runtime import framework


def main() -> None:
    for problem in framework.publish(application):
        print(f"build: {problem}")


if __name__ == "__main__":
    main()
