import type { Listener } from './tcp.proxy';

/** Messages that a program sent on one connection before it waited for the server. */
export interface RoundTrip {
  /** Number of the connection, in order of opening. */
  connection: number;
  /** The letters of the protocol's messages: P(arse) B(ind) D(escribe) E(xecute) S(ync), Q(uery). */
  messages: string;
  /** The name of the prepared statement, or the text of one without a name. */
  statement: string;
}

const SYNC = 'S';
const QUERY = 'Q';
/** SSLRequest: eight bytes, after which the startup message follows. */
const SSL_REQUEST = 80_877_103;

/** Records the messages to Postgres. Pass {@link listen} to a proxy. */
export class PostgresTraffic {
  readonly roundTrips: RoundTrip[] = [];
  private connections = 0;

  readonly listen = (): Listener => {
    const connection = this.connections++;
    let started = false;
    let rest = Buffer.alloc(0);
    let trip: RoundTrip = { connection, messages: '', statement: '' };
    return (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        // Only the first message has no type before its length.
        const at = started ? 1 : 0;
        if (rest.length < at + 4 || rest.length < at + rest.readInt32BE(at)) return;
        const message = rest.subarray(0, at + rest.readInt32BE(at));
        rest = rest.subarray(message.length);
        if (!started) {
          started = message.readInt32BE(4) !== SSL_REQUEST;
          continue;
        }
        const letter = String.fromCharCode(message.readUInt8(0));
        trip.messages += letter;
        trip.statement ||= statementOf(letter, message.subarray(5));
        if (letter !== SYNC && letter !== QUERY) continue;
        this.roundTrips.push(trip);
        trip = { connection, messages: '', statement: '' };
      }
    };
  };
}

function statementOf(letter: string, content: Buffer): string {
  const [first = '', second = ''] = content.toString('latin1').split('\0', 2);
  switch (letter) {
    case 'P': // name, text
      return first || second;
    case 'B': // portal, name
      return second;
    case QUERY:
      return first;
    default:
      return '';
  }
}
