// workerd: answers with the request's body.
export default {
  async fetch(request) {
    return new Response(await request.text(), { headers: { "content-type": "application/json" } });
  },
};
