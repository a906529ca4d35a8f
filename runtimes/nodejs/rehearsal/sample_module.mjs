// The same as an ES module, so that its loader is there.
export const handler = async (event) => event;
