package lambent.runtime;

/** The user's handler, whatever its form. */
interface Handler {
  /** event and answer: JSON, or what a stream handler takes and writes. */
  byte[] call(byte[] event, ContextView context) throws Throwable;
}
