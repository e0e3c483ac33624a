import { TRACE_SAMPLERS, type TraceSampler } from './trace.sampler';
import { Variable } from './variable.decorator';
import { headers, host, integer, label, networks, oneOf, share, url } from './variable.type';

const PORT = integer(0, 65_535);
const TEN_MINUTES_MS = 600_000;

/** The part of {@link Settings} about the process itself: where it listens, and how it is watched. */
export abstract class ProcessSettings {
  @Variable({
    group: 'Process',
    description: 'What the process runs for. Outside of `production`, `npm start` may bring up its own services.',
    type: oneOf('production', 'development', 'test'),
    default: 'production',
  })
  readonly nodeEnv!: 'production' | 'development' | 'test';

  @Variable({
    group: 'Process',
    description: 'The least severe log lines that are written. Logs are JSON lines on standard output.',
    type: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
  })
  readonly logLevel!: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

  @Variable({
    group: 'Process',
    description:
      'How long after SIGTERM requests are still served while readiness already fails. Longer than the load balancer takes to notice.',
    type: integer(0, TEN_MINUTES_MS),
    default: 5_000,
  })
  readonly drainDelayMs!: number;

  @Variable({
    group: 'Addresses',
    description: 'Where the API listens.',
    type: host(),
    default: '0.0.0.0',
  })
  readonly host!: string;

  @Variable({
    group: 'Addresses',
    description: 'The port of the API; 0 takes any free one.',
    type: PORT,
    default: 3_000,
  })
  readonly port!: number;

  @Variable({
    group: 'Addresses',
    description:
      'Balancers that are believed what they say of a caller in `x-forwarded-for` (its address) and `x-forwarded-proto` (whether it came over TLS). Unset: nobody is.',
    type: networks(),
  })
  readonly trustedProxies?: string;

  @Variable({
    group: 'Addresses',
    description:
      'The address on which the admin port listens: `/metrics` and `/health/live`; of a worker, `/health/ready` as well. The default answers this machine only. In a container, set `0.0.0.0` and keep the port inside the network; the image does so.',
    type: host(),
    default: '127.0.0.1',
  })
  readonly metricsHost!: string;

  @Variable({
    group: 'Addresses',
    description: 'The admin port; 0 takes any free one. Not the same as `PORT`.',
    type: PORT,
    default: 9_464,
  })
  readonly metricsPort!: number;

  @Variable({
    group: 'Metrics',
    description:
      'How many clients have metrics under their name; those seen after them count together as `other`. Bounds the number of series.',
    type: integer(0, 1_000),
    default: 100,
  })
  readonly metricsMaxClients!: number;

  @Variable({
    group: 'Traces',
    description:
      'Where spans go: the base URL of an OpenTelemetry collector that takes OTLP over HTTP; `/v1/traces` is added. Unset: no traces.',
    type: url('http', 'https'),
    secret: true,
  })
  readonly otelExporterOtlpEndpoint?: string;

  @Variable({
    group: 'Traces',
    description: 'Headers that are sent with the spans, such as a token of the collector.',
    type: headers(),
    secret: true,
  })
  readonly otelExporterOtlpHeaders?: string;

  @Variable({
    group: 'Traces',
    description: 'The `service.name` of the spans.',
    type: label(),
    default: 'prism-gateway',
  })
  readonly otelServiceName!: string;

  @Variable({
    group: 'Traces',
    description:
      "Which requests are traced. `parentbased_...`: as the caller's `traceparent` says, and what stands behind it decides for callers without one.",
    type: oneOf(...TRACE_SAMPLERS),
    default: 'parentbased_always_on',
  })
  readonly otelTracesSampler!: TraceSampler;

  @Variable({
    group: 'Traces',
    description: 'The share of traces that `traceidratio` and `parentbased_traceidratio` take.',
    type: share(),
    default: 1,
  })
  readonly otelTracesSamplerArg!: number;
}
