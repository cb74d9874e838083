// No code: the shared precompiled header needs a source to belong to.
