"""Static files of a deployment: compressed, with content hashes in their names."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage that also rewrites ``import … from "./x.js"`` in ES modules."""

    support_js_module_import_aggregation = True
