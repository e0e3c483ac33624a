import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';

const OTHER = 'other';

/** The values of the label `client`, for the reference of metrics. */
export const CLIENT_VALUES = `the client's name, or \`${OTHER}\` for clients beyond \`METRICS_MAX_CLIENTS\``;

/**
 * Values of the metric label `client`: the name of the client. Only the first `METRICS_MAX_CLIENTS` clients of a process get
 * their own value, so the number of series is bounded.
 */
@Injectable()
export class ClientLabel {
  private readonly named = new Set<string>();
  private readonly limit: number;

  constructor(@Inject(Settings) settings: Pick<Settings, 'metricsMaxClients'>) {
    this.limit = settings.metricsMaxClients;
  }

  /** The label value of the client with this name. */
  of(name: string): string {
    if (this.named.has(name)) return name;
    if (this.named.size >= this.limit) return OTHER;
    this.named.add(name);
    return name;
  }
}
