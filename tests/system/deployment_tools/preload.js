// Loaded by `node --require` before a tool that uses AWS's SDK 2, which reads credentials and region from the
// environment, but no endpoint.
const AWS = require(process.env.LAMBENT_SDK2);
AWS.config.update({ endpoint: process.env.AWS_ENDPOINT_URL });
