"""All functions behind HTTP in one process, as `make run` serves them."""

from benchmarks.performance import control
from local import gateway, template
from local.gateway import Gateway


def main() -> None:
    """Serve until the benchmark has no more questions."""
    application = Gateway(gateway.handlers(template.load()))
    with gateway.serving(application, gateway.listen(0)) as url:
        control.serve({"url": f"{url.replace('localhost', '127.0.0.1')}oauth/token"}, {})


if __name__ == "__main__":
    main()
