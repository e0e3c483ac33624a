import { TRACE_SAMPLERS, type TraceSampler } from './trace.sampler';
import { Variable } from './variable.decorator';
import { fraction, headers, type HeaderValues, host, integer, label, networks, oneOf, url } from './variable.type';

const PORT = integer(0, 65_535);
export const TEN_MINUTES_MS = 600_000;

/** The part of {@link Settings} for the process itself: addresses, logs, metrics and traces. */
export abstract class ProcessSettings {
  @Variable({
    group: 'Process',
    description: 'The minimum severity of log lines. The log is JSON lines on standard output.',
    type: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
  })
  readonly logLevel!: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

  @Variable({
    group: 'Process',
    description:
      'How long the process still accepts connections after SIGTERM, in milliseconds. Readiness fails from SIGTERM on. Set it longer than the load balancer needs to notice the failure.',
    type: integer(0, TEN_MINUTES_MS),
    default: 5_000,
  })
  readonly drainDelayMs!: number;

  @Variable({
    group: 'Process',
    description:
      'How long open connections accept further requests after `DRAIN_DELAY_MS`, in milliseconds. New connections are refused, and each response has `Connection: close`. A client that reuses an idle connection within this time loses no request. The process exits earlier if no connection is open.',
    type: integer(0, TEN_MINUTES_MS),
    default: 5_000,
  })
  readonly drainGraceMs!: number;

  @Variable({
    group: 'Addresses',
    description: 'The address on which the API listens.',
    type: host(),
    default: '0.0.0.0',
  })
  readonly host!: string;

  @Variable({
    group: 'Addresses',
    description: 'The port of the API. 0: any free port.',
    type: PORT,
    default: 3_000,
  })
  readonly port!: number;

  @Variable({
    group: 'Addresses',
    description:
      'Proxies whose `x-forwarded-for` (address of the client) and `x-forwarded-proto` (whether the client used TLS) headers are trusted. Unset: none.',
    type: networks(),
  })
  readonly trustedProxies?: string;

  @Variable({
    group: 'Addresses',
    description:
      'The address on which the admin port listens. It serves `/metrics` and `/health/live`, and `/health/ready` of a worker. The default accepts connections from the same host only. The container image sets `0.0.0.0`: do not publish the port.',
    type: host(),
    default: '127.0.0.1',
  })
  readonly metricsHost!: string;

  @Variable({
    group: 'Addresses',
    description: 'The admin port. 0: any free port. It must differ from `PORT`.',
    type: PORT,
    default: 9_464,
  })
  readonly metricsPort!: number;

  @Variable({
    group: 'Metrics',
    description:
      'The number of clients that have metrics under their own name. All others count as `other`. It limits the number of time series.',
    type: integer(0, 1_000),
    default: 100,
  })
  readonly metricsMaxClients!: number;

  @Variable({
    group: 'Traces',
    description:
      'The base URL of an OpenTelemetry collector that accepts OTLP over HTTP. `/v1/traces` is appended. Unset: no traces.',
    type: url('http', 'https'),
    secret: true,
  })
  readonly otelExporterOtlpEndpoint?: string;

  @Variable({
    group: 'Traces',
    description: 'Headers of the requests to the collector, such as an access token.',
    type: headers(),
    secret: true,
  })
  readonly otelExporterOtlpHeaders?: HeaderValues;

  @Variable({
    group: 'Traces',
    description: 'The resource attribute `service.name` of the spans.',
    type: label(),
    default: 'prism-gateway',
  })
  readonly otelServiceName!: string;

  @Variable({
    group: 'Traces',
    description:
      'The sampler. `parentbased_...` follows the `traceparent` header of the request. For requests without this header, the rest of the name is the sampler.',
    type: oneOf(...TRACE_SAMPLERS),
    default: 'parentbased_always_on',
  })
  readonly otelTracesSampler!: TraceSampler;

  @Variable({
    group: 'Traces',
    description: 'The fraction of traces that `traceidratio` and `parentbased_traceidratio` sample.',
    type: fraction(),
    default: 1,
  })
  readonly otelTracesSamplerArg!: number;
}
