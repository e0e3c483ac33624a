import { Injectable } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';
import { RATE_UNITS, type RateUnit } from './rate.bucket';

const WAIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** What a request is admitted to: reading its body, parsing it, and executing it. */
const STAGES = ['body', 'parse', 'work'] as const;
export type AdmissionStage = (typeof STAGES)[number];

const SHED_REASONS = ['event_loop', 'queue_full', 'queue_wait'] as const;
/** Why a request is rejected with 503 before any of it is executed. */
export type ShedReason = (typeof SHED_REASONS)[number];

const CPU_STAGES = ['parse', 'fingerprint', 'plan', 'render'] as const;
/** The synchronous sections of a request whose CPU time is attributed to its client. */
export type CpuStage = (typeof CPU_STAGES)[number];

/** `other`: not attributed to a client. */
const STALL_STAGES = [...CPU_STAGES, 'other'] as const;
type StallStage = (typeof STALL_STAGES)[number];

/** Where rate limits are counted: in Redis for all gateways, or, while Redis is unavailable, in the process. */
const RATE_STORES = ['redis', 'process'] as const;
type RateStore = (typeof RATE_STORES)[number];

/** What admitted requests hold, and how many requests are queued. */
interface AdmissionState {
  requests: number;
  items: number;
  bodyBytes: number;
  heapBytes: number;
  responseBytes: number;
  queued: Readonly<Record<AdmissionStage, number>>;
}

const NO_REQUESTS: AdmissionState = {
  ...{ requests: 0, items: 0, bodyBytes: 0, heapBytes: 0, responseBytes: 0 },
  queued: { body: 0, parse: 0, work: 0 },
};

/** Metrics of admission and rate limits. */
@Injectable()
export class LimitsMetrics {
  private readAdmission: () => AdmissionState = () => NO_REQUESTS;
  private readonly shed;
  private readonly waitSeconds;
  private readonly stalls;
  private readonly rateLimited;
  private readonly rateChecks;

  constructor(instruments: Instruments) {
    this.shed = instruments.counter(
      'prism_requests_shed_total',
      'Requests rejected with 503 because the process was overloaded. Nothing of them was executed.',
      { stage: STAGES, reason: SHED_REASONS },
    );
    this.waitSeconds = instruments.batchHistogram(
      'prism_admission_wait_seconds',
      'Time that a request waited for a permit: to read its body, to parse it, and to execute it.',
      { stage: STAGES },
      WAIT_SECONDS,
    );
    this.stalls = instruments.counter(
      'prism_event_loop_stalls_total',
      'Times the event loop was blocked for 50 ms or longer, by what blocked it.',
      { stage: STALL_STAGES },
    );
    this.rateLimited = instruments.counter(
      'prism_rate_limited_total',
      'Requests rejected with 429, by the unit of the exceeded rate limit. If several are exceeded, the one with the longest wait counts.',
      { limit: RATE_UNITS },
    );
    this.rateChecks = instruments.counter(
      'prism_rate_checks_total',
      'Requests checked against the rate limits of their client, by store: Redis for all gateways, or the process.',
      { store: RATE_STORES },
    );
    this.defineAdmissionGauges(instruments);
    this.startAtZero();
  }

  countShed(stage: AdmissionStage, reason: ShedReason): void {
    this.shed.inc({ stage, reason });
  }

  countStall(stage: StallStage): void {
    this.stalls.inc({ stage });
  }

  observeWait(stage: AdmissionStage, seconds: number): void {
    this.waitSeconds.observe({ stage }, [seconds]);
  }

  countRateLimited(limit: RateUnit): void {
    this.rateLimited.inc({ limit });
  }

  countRateCheck(store: RateStore): void {
    this.rateChecks.inc({ store });
  }

  /** Sets the function that returns the state of admission; each scrape calls it. */
  observeAdmission(read: () => AdmissionState): void {
    this.readAdmission = read;
  }

  private defineAdmissionGauges(instruments: Instruments): void {
    const gauge = (name: string, help: string, read: (state: AdmissionState) => number): void => {
      instruments.gauge(name, help, {}, (created) => {
        created.set(read(this.readAdmission()));
      });
    };
    gauge('prism_admission_requests_in_flight', 'Requests that are being executed.', ({ requests }) => requests);
    gauge('prism_admission_items_in_flight', 'Items of the requests that are being executed.', ({ items }) => items);
    gauge(
      'prism_admission_body_bytes',
      'Bytes of request bodies in memory, and of bodies that may still arrive under a permit.',
      ({ bodyBytes }) => bodyBytes,
    );
    gauge('prism_admission_heap_bytes', 'Estimated heap of the parsed bodies, in bytes.', ({ heapBytes }) => heapBytes);
    gauge(
      'prism_admission_response_bytes',
      'Bytes of responses that are not sent yet; 64 KiB for each response of unknown size.',
      ({ responseBytes }) => responseBytes,
    );
    instruments.gauge(
      'prism_admission_queue_length',
      'Requests that wait for a permit.',
      { stage: STAGES },
      (created) => {
        const { queued } = this.readAdmission();
        for (const stage of STAGES) created.set({ stage }, queued[stage]);
      },
    );
  }

  private startAtZero(): void {
    for (const stage of STALL_STAGES) this.stalls.inc({ stage }, 0);
    for (const stage of STAGES) {
      this.waitSeconds.zero({ stage });
      for (const reason of SHED_REASONS) this.shed.inc({ stage, reason }, 0);
    }
    for (const limit of RATE_UNITS) this.rateLimited.inc({ limit }, 0);
    for (const store of RATE_STORES) this.rateChecks.inc({ store }, 0);
  }
}
