/** A reduced `deploy/haproxy/haproxy.cfg`, without health checks and retries. */
export function haproxyConfig(port: number, gatewayPorts: readonly number[]): string {
  return `defaults
  mode http
  timeout connect 2s
  timeout client 35s
  timeout server 35s

frontend api
  bind 127.0.0.1:${port}
  default_backend gateways

backend gateways
  balance leastconn
${gatewayPorts.map((gatewayPort, index) => `  server gateway-${index + 1} 127.0.0.1:${gatewayPort}\n`).join('')}`;
}
