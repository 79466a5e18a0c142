"""Static files as they are deployed: compressed, and named by their content."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage that hashes the names inside ``import … from "./x.js"`` as well."""

    support_js_module_import_aggregation = True
