"""Source text that test functions share: it goes into their packages, and needs nothing but the interpreter's library."""

# SigV4 by hand. `api` signs with the instance's own keys, unless other ones are given, and returns [status, body], or
# [status, the error's type] of an error (its body where no header names the type).
SIGNED = """
import datetime, hashlib, hmac, os, urllib.error, urllib.request
def api(method, path, body=b'', secret=None, token=None, signed=True, service='lambda', headers=None):
    e = os.environ
    url = e['AWS_ENDPOINT_URL'] + path
    host = url.split('/')[2]
    when = datetime.datetime.utcnow().strftime('%Y%m%dT%H%M%SZ')
    scope = '/'.join([when[:8], e['AWS_REGION'], service, 'aws4_request'])
    digest = hashlib.sha256(body).hexdigest()
    given = {'host': host, 'x-amz-date': when, 'x-amz-security-token': token or e['AWS_SESSION_TOKEN'], **(headers or {})}
    names = sorted(given)
    canonical = '\\n'.join([method, path, ''] + [n + ':' + given[n] for n in names] + ['', ';'.join(names), digest])
    text = '\\n'.join(['AWS4-HMAC-SHA256', when, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ('AWS4' + (secret or e['AWS_SECRET_ACCESS_KEY'])).encode()
    for part in scope.split('/'):
        key = hmac.new(key, part.encode(), 'sha256').digest()
    signature = hmac.new(key, text.encode(), 'sha256').hexdigest()
    if signed:
        given['Authorization'] = 'AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s' % (
            e['AWS_ACCESS_KEY_ID'], scope, ';'.join(names), signature)
    else:
        del given['x-amz-security-token']
    request = urllib.request.Request(url, data=body or None, method=method, headers=given)
    try:
        with urllib.request.urlopen(request) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.headers.get('x-amzn-ErrorType') or error.read().decode()]
"""
