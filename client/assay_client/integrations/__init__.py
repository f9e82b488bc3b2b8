"""What makes programs that use others' SDKs and frameworks report to Assay: a module each, which needs what it is named after."""
