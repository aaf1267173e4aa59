// Restate's SDK uses a function that Node has since version 22; Rigel runs on 20 too.
Promise.withResolvers ??= function withResolvers() {
  const made = {};
  made.promise = new this((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
