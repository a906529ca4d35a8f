"""Programs that draw of everything that must be a fork's own, in each language, and write it as one line of JSON:
{kind: value}. "hello" is a TLS client's first message in hexadecimal.

Loaded by a fork they draw and end. Loaded in a snapshot's INIT they draw, which leaves the generators used, and each
fork draws after its restore. A value is drawn out of so many that none comes twice by chance (two names at a time).
"""

PYTHON = """
import json, os, random, secrets, ssl, sys, tempfile, uuid
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

def hello():
    outgoing = ssl.MemoryBIO()
    try:
        TLS.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read().hex()

def temporary_names():
    descriptor, first = tempfile.mkstemp(dir=os.environ["DRAWS_FOLDER"])
    folder = tempfile.mkdtemp(dir=os.environ["DRAWS_FOLDER"])
    os.close(descriptor)
    os.unlink(first)
    os.rmdir(folder)
    return os.path.basename(first) + os.path.basename(folder)

def draw():
    values = {
        "random": random.random(), "bits": random.getrandbits(64), "instance": random.Random().getrandbits(64),
        "system": random.SystemRandom().getrandbits(64), "shuffle": str(random.sample(range(1000), 20)), "uuid4": str(uuid.uuid4()),
        "uuid1": str(uuid.uuid1()), "node": uuid.getnode(), "secret": secrets.token_hex(16), "urandom": os.urandom(16).hex(),
        "openssl": ssl.RAND_bytes(16).hex(), "names": temporary_names(), "hello": hello(), **numpy_draws(),
    }
    if values["node"] >> 40 & 1 == 0: del values["node"]  # of a network interface
    return {**values, **boto_draws()}

def numpy_draws():
    if "numpy" not in sys.modules: return {}
    import numpy
    return {"numpy": str(numpy.random.bytes(16)), "numpy_generator": str(numpy.random.default_rng().bytes(16))}

def boto_draws():
    if CLIENT is None: return {}
    CLIENT.get_caller_identity()
    return {"sdk_invocation_id": SENT.pop()}

def make_client():
    import botocore.awsrequest, botocore.session
    client = botocore.session.Session().create_client("sts", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    answer = b"<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>"

    class Raw:
        def stream(self): yield answer

    def send(request, **_):
        SENT.append(request.headers["amz-sdk-invocation-id"].decode())
        return botocore.awsrequest.AWSResponse(request.url, 200, {}, Raw())

    client.meta.events.register("before-send", send)
    return client

def write_and_end():
    os.write(1, json.dumps(draw()).encode() + b"\\n")
    os._exit(0)

try:
    import numpy
except ImportError:
    pass
SENT = []
CLIENT = make_client() if "DRAWS_BOTO" in os.environ else None
if os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start":
    import snapshot_restore_py
    draw()
    snapshot_restore_py.register_after_restore(write_and_end)
else:
    write_and_end()
def handler(event, context): pass
"""

NODE = """
const crypto = require('crypto'), fs = require('fs'), path = require('path'), tls = require('tls'), { Duplex } = require('stream');

const hello = () => new Promise((resolve) => {
  const socket = new Duplex({ read() {}, write(chunk, encoding, done) { resolve(chunk.toString('hex')); done(); } });
  tls.connect({ socket, servername: 'localhost' }).on('error', () => {});
});

function temporaryNames() {
  const folders = [1, 2].map(() => fs.mkdtempSync(process.env.DRAWS_FOLDER + '/'));
  folders.forEach((each) => fs.rmdirSync(each));
  return folders.map((each) => path.basename(each)).join();
}

const draw = async () => ({
  math: Math.random(), math_again: Math.random(), uuid: crypto.randomUUID(),
  uuid_anew: crypto.randomUUID({ disableEntropyCache: true }), bytes: crypto.randomBytes(16).toString('hex'),
  integers: [1, 2].map(() => crypto.randomInt(2 ** 47)).join(), web: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'),
  key: crypto.generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }).toString('hex'),
  names: temporaryNames(), hello: await hello(),
});

async function writeAndEnd() {
  fs.writeSync(1, JSON.stringify(await draw()) + '\\n');
  process.exit(0);
}

if (process.env.AWS_LAMBDA_INITIALIZATION_TYPE === 'snap-start') {
  draw();
  require('snapshot_restore').registerAfterRestore(writeAndEnd);
} else {
  writeAndEnd();
}
exports.handler = async () => {};
"""

RUBY = """
require 'json'; require 'openssl'; require 'securerandom'; require 'socket'; require 'tempfile'; require 'tmpdir'

def hello
  ours, theirs = UNIXSocket.pair
  socket = OpenSSL::SSL::SSLSocket.new(ours, OpenSSL::SSL::SSLContext.new)
  socket.hostname = 'localhost'
  socket.connect_nonblock(exception: false)
  theirs.readpartial(4096).unpack1('H*')
ensure
  [ours, theirs].each(&:close)
end

def temporary_names
  file = Tempfile.create('', ENV['DRAWS_FOLDER'])
  folder = Dir.mktmpdir('', ENV['DRAWS_FOLDER'])
  names = [file.path, folder].map { |each| File.basename(each).split('-').last }
  file.close
  File.unlink(file.path)
  Dir.rmdir(folder)
  names.join(',')
end

# Generators that libraries made when they were loaded.
LIBRARIES = ObjectSpace.each_object(Random).to_a

def draw
  { libraries: LIBRARIES.map(&:seed).push(Random.new_seed).join(','), random: Random.rand, kernel: rand, bytes: Random.bytes(16).unpack1('H*'), instance: Random.new.rand, seed: Random.new_seed.to_s,
    shuffle: [*1..1000].sample(20).join(','), uuid: SecureRandom.uuid, secure: SecureRandom.hex(16),
    openssl: OpenSSL::Random.random_bytes(16).unpack1('H*'), key: OpenSSL::PKey::EC.generate('prime256v1').private_key.to_s(16),
    urandom: Random.urandom(16).unpack1('H*'), names: temporary_names, hello: hello }
end

def write_and_end
  $stdout.syswrite(draw.to_json + "\\n")
  exit!(0)
end

if ENV['AWS_LAMBDA_INITIALIZATION_TYPE'] == 'snap-start'
  require 'snapshot_restore'
  draw
  SnapshotRestore.register_after_restore { write_and_end }
else
  write_and_end
end
def handler(event:, context:); end
"""
