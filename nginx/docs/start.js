// Starts Swagger UI with the description of the service that this page belongs to.
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  deepLinking: true, // an operation has an address
  defaultModelsExpandDepth: 0, // the schemas of all operations are closed
  displayRequestDuration: true,
  validatorUrl: null, // no other host checks the description
});
