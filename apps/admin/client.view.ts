import type { Client } from '#libs/auth';
import type { Rate } from '#libs/limits';
import { RATE_UNITS } from '#libs/limits';
import { textTable } from './text.table';

/** A client as JSON. Of its rate limits, `null` means that the default of the gateways applies, and 0 unlimited. */
export function clientDocument({ id, name, createdAt, limits }: Client): Record<string, unknown> {
  const document: Record<string, unknown> = { id, name, created_at: createdAt.toISOString() };
  for (const unit of RATE_UNITS) {
    document[`${unit}_per_second`] = limits[unit]?.perSecond ?? null;
    document[`${unit}_burst`] = limits[unit]?.burst ?? null;
  }
  return document;
}

export function clientList(clients: readonly Client[]): string {
  return textTable(
    ['NAME', 'ID', 'CREATED', ...RATE_UNITS.map((unit) => `${unit.toUpperCase()} PER SECOND`)],
    clients.map(({ id, name, createdAt, limits }) => [
      name,
      id,
      createdAt.toISOString(),
      ...RATE_UNITS.map((unit) => limitText(limits[unit])),
    ]),
  );
}

export function limitsText({ name, limits }: Client, teamId: string): string {
  const rates = RATE_UNITS.map((unit) => `${unit} ${limitText(limits[unit])}`).join('; ');
  return `rate limits per second of client ${name} of team ${teamId}: ${rates}. They take effect within 5 s`;
}

function limitText(rate: Rate | undefined): string {
  if (rate === undefined) return 'default';
  return rate.perSecond === 0 ? 'unlimited' : `${rate.perSecond}, burst ${rate.burst}`;
}
