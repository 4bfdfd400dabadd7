"""Static files: content-hashed and compressed by ``collectstatic``, and served all the same where it has not run."""

from django.contrib.staticfiles.storage import StaticFilesStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's manifest storage; a file that is not in the manifest keeps its plain name, with no page failing."""

    def url(self, name: str | None, force: bool = False) -> str:
        if name in self.hashed_files:
            return super().url(name, force)
        return StaticFilesStorage.url(self, name)
