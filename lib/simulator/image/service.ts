/** Glance v2. */
import type { SimulatedCloud } from '../cloud.ts';
import { type Call, ok, type Service } from '../router.ts';
import { fileRoutes, STREAMED } from './files.ts';
import { imageRoutes } from './images.ts';
import { memberRoutes } from './members.ts';
import { schemaRoutes } from './schemas.ts';

const REASONS: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  416: 'Request Range Not Satisfiable',
};

const MINORS = ['15', '9', '7', '6', '5', '4', '3', '2', '1', '0'];

const versions = (cloud: SimulatedCloud) => ({
  versions: MINORS.map((minor, at) => ({
    id: `v2.${minor}`,
    status: at === 0 ? 'CURRENT' : 'SUPPORTED',
    links: [{ rel: 'self', href: `${cloud.origin()}/image/v2/` }],
  })),
});

const escaped = (text: string) =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/'/g, '&#x27;');

/** Glance words its refusals as web pages. */
const refuse: Service['refuse'] = (refusal) => {
  const title = `${refusal.status} ${REASONS[refusal.status] ?? 'Error'}`;
  const lines = ['<html>', ' <head>', `  <title>${title}</title>`, ' </head>', ' <body>'];
  lines.push(`  <h1>${title}</h1>`, `  ${escaped(refusal.message)}<br /><br />`, '', '', '');
  lines.push(' </body>', '</html>');
  return {
    status: refusal.status,
    body: lines.join('\n'),
    headers: { 'Content-Type': 'text/html; charset=UTF-8' },
  };
};

export const imageService: Service = {
  name: 'image',
  prefix: '/image',
  open: {
    'GET /': ({ cloud }: Call) => ({ status: 300, body: versions(cloud) }),
    'GET /versions': ({ cloud }: Call) => ok(versions(cloud)),
  },
  routes: { ...imageRoutes, ...fileRoutes, ...memberRoutes, ...schemaRoutes },
  streams: STREAMED,
  refuse,
};
