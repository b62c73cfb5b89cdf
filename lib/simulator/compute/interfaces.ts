/** Network interfaces of a running server. */
import type { Fields, Port } from '../model.ts';
import { attachPort } from '../network/ports.ts';
import { notFound } from '../refusal.ts';
import { accepted, type Call, ok, type Routes, under } from '../router.ts';
import { requireState } from './actions.ts';
import { bindPorts } from './boot.ts';
import { networkCards } from './cards.ts';
import { changeServer, serverOf } from './servers.ts';

const TAG_SINCE = 70;

const view = (call: Call, port: Port): Fields => ({
  net_id: port.network_id,
  port_id: port.id,
  mac_addr: port.mac_address,
  port_state: port.status,
  fixed_ips: port.fixed_ips,
  ...(call.version >= TAG_SINCE ? { tag: null } : {}),
});

const portsOf = (call: Call): Port[] =>
  serverOf(call).ports.flatMap((id) => {
    const port = call.cloud.ports.get(id);
    return port?.device_id === call.param('id') ? [port] : [];
  });

function portOf(call: Call): Port {
  const port = portsOf(call).find((one) => one.id === call.param('port'));
  if (!port)
    throw notFound(`Port ${call.param('port')} is not attached to instance ${call.param('id')}.`);
  return port;
}

function attach(call: Call) {
  const server = serverOf(call);
  requireState(server, 'attach_interface', ['active', 'paused', 'stopped']);
  const { port_id, net_id, fixed_ips } = under(call, 'interfaceAttachment');
  const [first] = (fixed_ips ?? []) as Fields[];
  const wish = port_id ? { port: port_id } : { uuid: net_id, fixed_ip: first?.ip_address };
  const networks = port_id || net_id ? [wish] : 'auto';
  const cards = networkCards(call, { networks }, server.id, []);
  const changed = changeServer(call.cloud, server, {
    ports: [...server.ports, ...cards.ports],
    own_ports: [...server.own_ports, ...cards.own],
  });
  bindPorts(call.cloud, changed, server.host ?? '');
  const port = call.cloud.ports.get(cards.ports[0] ?? '');
  return ok({ interfaceAttachment: port ? view(call, port) : {} });
}

function detach(call: Call) {
  const server = serverOf(call);
  const port = portOf(call);
  requireState(server, 'detach_interface', ['active', 'paused', 'stopped']);
  const isOwn = server.own_ports.includes(port.id);
  if (isOwn) call.cloud.ports.drop(port.id);
  else attachPort(call, port, { device_id: '', device_owner: '', 'binding:host_id': '' });
  changeServer(call.cloud, server, { ports: server.ports.filter((id) => id !== port.id) });
  return accepted();
}

export const interfaceRoutes: Routes = {
  'GET /servers/:id/os-interface': (call) =>
    ok({ interfaceAttachments: portsOf(call).map((port) => view(call, port)) }),
  'GET /servers/:id/os-interface/:port': (call) =>
    ok({ interfaceAttachment: view(call, portOf(call)) }),
  'POST /servers/:id/os-interface': attach,
  'DELETE /servers/:id/os-interface/:port': detach,
};
