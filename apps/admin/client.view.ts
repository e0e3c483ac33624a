import type { Client } from '#libs/auth';
import type { Rate } from '#libs/limits';
import { textTable } from './text.table';

/** A client as JSON. Of its limits, `null` is as the gateways' settings have it, and 0 none. */
export function clientDocument({ id, name, createdAt, limits }: Client): Record<string, unknown> {
  return {
    id,
    name,
    created_at: createdAt.toISOString(),
    items_per_second: limits.items?.perSecond ?? null,
    items_burst: limits.items?.burst ?? null,
    requests_per_second: limits.requests?.perSecond ?? null,
    requests_burst: limits.requests?.burst ?? null,
  };
}

export function clientList(clients: readonly Client[]): string {
  return textTable(
    ['NAME', 'ID', 'CREATED', 'ITEMS A SECOND', 'REQUESTS A SECOND'],
    clients.map(({ id, name, createdAt, limits }) => [
      name,
      id,
      createdAt.toISOString(),
      limitText(limits.items),
      limitText(limits.requests),
    ]),
  );
}

export function limitsText({ name, limits }: Client, teamId: string): string {
  const { items, requests } = limits;
  return `client ${name} of team ${teamId} may send a second: items ${limitText(items)}; requests ${limitText(requests)}. Every gateway goes by it within 5 s`;
}

function limitText(rate: Rate | undefined): string {
  if (rate === undefined) return 'by default';
  return rate.perSecond === 0 ? 'unlimited' : `${rate.perSecond}, ${rate.burst} at once`;
}
