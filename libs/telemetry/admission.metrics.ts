import type { Instruments } from './instruments';
import {
  ADMISSION_STAGES,
  type AdmissionStage,
  CONNECTION_CUTS,
  type ConnectionCut,
  SHED_REASONS,
  type ShedReason,
  STALL_STAGES,
  type StallStage,
} from './metric.labels';

const WAIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What is held by admitted requests, and how many requests are queued. */
interface AdmissionState {
  requests: number;
  items: number;
  bodyBytes: number;
  heapBytes: number;
  responseBytes: number;
  queued: Readonly<Record<AdmissionStage, number>>;
}

const NOTHING: AdmissionState = {
  ...{ requests: 0, items: 0, bodyBytes: 0, heapBytes: 0, responseBytes: 0 },
  queued: { body: 0, parse: 0, work: 0 },
};

/** How much a gateway has taken on, and what it refused. */
export class AdmissionMetrics {
  private read: () => AdmissionState = () => NOTHING;
  private readonly shed;
  private readonly waitSeconds;
  private readonly connectionCuts;
  private readonly stalls;

  constructor(instruments: Instruments) {
    this.shed = instruments.counter(
      'prism_requests_shed_total',
      'Requests refused with 503 before anything of them was done, because the process had too much to do.',
      { stage: ADMISSION_STAGES, reason: SHED_REASONS },
    );
    this.waitSeconds = instruments.histogram(
      'prism_admission_wait_seconds',
      'How long a request waited for its turn: for its body to be read, for it to be parsed, and for its work to begin.',
      { stage: ADMISSION_STAGES },
      WAIT_SECONDS,
    );
    this.connectionCuts = instruments.counter(
      'prism_http_connections_cut_total',
      'Connections closed because their caller did not read its responses (`unread`) or sent too many requests without waiting for responses (`pipelining`).',
      { reason: CONNECTION_CUTS },
    );
    this.stalls = instruments.counter(
      'prism_event_loop_stalls_total',
      'Times the event loop was blocked for 50 ms or longer, by what blocked it.',
      { stage: STALL_STAGES },
    );
    const gauge = (name: string, help: string, of: (state: AdmissionState) => number): void => {
      instruments.gauge(name, help, {}, (made) => {
        made.set(of(this.read()));
      });
    };
    gauge('prism_admission_requests_in_flight', 'Requests that are being worked on.', ({ requests }) => requests);
    gauge('prism_admission_items_in_flight', 'Items of the requests that are being worked on.', ({ items }) => items);
    gauge(
      'prism_admission_body_bytes',
      'Bytes of request bodies that are held or may arrive without a further permit.',
      ({ bodyBytes }) => bodyBytes,
    );
    gauge('prism_admission_heap_bytes', 'Estimated heap of the parsed bodies, in bytes.', ({ heapBytes }) => heapBytes);
    gauge(
      'prism_admission_response_bytes',
      'Bytes of responses that have not left yet; 64 KiB for each that is not known yet.',
      ({ responseBytes }) => responseBytes,
    );
    instruments.gauge(
      'prism_admission_queue_length',
      'Requests that wait for a permit.',
      { stage: ADMISSION_STAGES },
      (made) => {
        const { queued } = this.read();
        for (const stage of ADMISSION_STAGES) made.set({ stage }, queued[stage]);
      },
    );
    this.startAtZero();
  }

  countShed(stage: AdmissionStage, reason: ShedReason): void {
    this.shed.inc({ stage, reason });
  }

  countConnectionCut(reason: ConnectionCut): void {
    this.connectionCuts.inc({ reason });
  }

  countStall(stage: StallStage): void {
    this.stalls.inc({ stage });
  }

  observeWait(stage: AdmissionStage, seconds: number): void {
    this.waitSeconds.observe({ stage }, seconds);
  }

  /** Has the state read from its owner at every scrape. */
  observe(read: () => AdmissionState): void {
    this.read = read;
  }

  private startAtZero(): void {
    for (const stage of STALL_STAGES) this.stalls.inc({ stage }, 0);
    for (const reason of CONNECTION_CUTS) this.connectionCuts.inc({ reason }, 0);
    for (const stage of ADMISSION_STAGES) {
      this.waitSeconds.zero({ stage });
      for (const reason of SHED_REASONS) this.shed.inc({ stage, reason }, 0);
    }
  }
}
