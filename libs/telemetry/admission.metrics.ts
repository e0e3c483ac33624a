import type { Instruments } from './instruments';
import { ADMISSION_STAGES, type AdmissionStage, SHED_REASONS, type ShedReason } from './metric.labels';

const WAIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What is admitted, and what waits to be. */
interface AdmissionState {
  requests: number;
  items: number;
  bodyBytes: number;
  heapBytes: number;
  waiting: Readonly<Record<AdmissionStage, number>>;
}

const NOTHING: AdmissionState = {
  ...{ requests: 0, items: 0, bodyBytes: 0, heapBytes: 0 },
  waiting: { body: 0, parse: 0, work: 0 },
};

/** How much a gateway has taken on, and what it refused to. */
export class AdmissionMetrics {
  private read: () => AdmissionState = () => NOTHING;
  private readonly shed;
  private readonly waitSeconds;

  constructor(instruments: Instruments) {
    this.shed = instruments.counter(
      'prism_shed_total',
      'Requests refused with 503 before anything of them was done, because the process had too much to do.',
      { stage: ADMISSION_STAGES, reason: SHED_REASONS },
    );
    this.waitSeconds = instruments.histogram(
      'prism_admission_wait_seconds',
      'How long a request waited for its turn: for its body to be read, for it to be parsed, and for its work to begin.',
      { stage: ADMISSION_STAGES },
      WAIT_SECONDS,
    );
    const gauge = (name: string, help: string, of: (state: AdmissionState) => number): void => {
      instruments.gauge(name, help, {}, (made) => {
        made.set(of(this.read()));
      });
    };
    gauge('prism_admission_requests_in_flight', 'Requests that are being worked on.', ({ requests }) => requests);
    gauge('prism_admission_items_in_flight', 'Items of the requests that are being worked on.', ({ items }) => items);
    gauge('prism_admission_body_bytes', 'Bytes of request bodies that are held.', ({ bodyBytes }) => bodyBytes);
    gauge(
      'prism_admission_heap_bytes',
      'Memory that the parsed bodies are reckoned to take.',
      ({ heapBytes }) => heapBytes,
    );
    instruments.gauge(
      'prism_admission_queue_length',
      'Requests that wait for their turn.',
      { stage: ADMISSION_STAGES },
      (made) => {
        const { waiting } = this.read();
        for (const stage of ADMISSION_STAGES) made.set({ stage }, waiting[stage]);
      },
    );
    this.startAtZero();
  }

  countShed(stage: AdmissionStage, reason: ShedReason): void {
    this.shed.inc({ stage, reason });
  }

  observeWait(stage: AdmissionStage, seconds: number): void {
    this.waitSeconds.observe({ stage }, seconds);
  }

  /** Has the state read from its owner at every scrape. */
  observe(read: () => AdmissionState): void {
    this.read = read;
  }

  private startAtZero(): void {
    for (const stage of ADMISSION_STAGES) {
      this.waitSeconds.zero({ stage });
      for (const reason of SHED_REASONS) this.shed.inc({ stage, reason }, 0);
    }
  }
}
