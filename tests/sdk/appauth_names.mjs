// AppAuth-JS imports its files without the extension, which bundlers allow and Node.js does not.

export const resolve = (specifier, context, next) =>
  next(specifier, context).catch((error) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    return next(`${specifier}.js`, context);
  });
