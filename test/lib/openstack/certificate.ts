/** Certificates for tests, written out in DER: Node can sign but not issue. RFC 5280, P-256. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface Certificate {
  cert: string;
  key: string;
}

export interface Authority extends Certificate {
  issue(name: string): Certificate;
}

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const time = (year: number) => der(0x18, Buffer.from(`${year}0101000000Z`));
const nameOf = (name: string) =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));
const TRUE = der(0x01, Buffer.from([0xff]));

const extensions = (authority: boolean): Buffer => {
  const basic = sequence(oid('551d13'), TRUE, der(0x04, sequence(...(authority ? [TRUE] : []))));
  const address = der(0x87, Buffer.from([127, 0, 0, 1]));
  const alternative = sequence(oid('551d11'), der(0x04, sequence(address)));
  return der(0xa3, sequence(basic, ...(authority ? [] : [alternative])));
};

let serial = 1;
const certificate = (
  subject: string,
  issuer: string,
  publicKey: KeyObject,
  signer: KeyObject,
  authority: boolean,
): string => {
  serial += 1;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([serial])),
    ECDSA_SHA256,
    nameOf(issuer),
    sequence(time(2020), time(2090)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions(authority),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, signer));
  const base64 = sequence(body, ECDSA_SHA256, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g)?.join('\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
};

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pemOf = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A certificate authority whose certificates are for 127.0.0.1. */
export const certificateAuthority = (name: string): Authority => {
  const own = pair();
  return {
    cert: certificate(name, name, own.publicKey, own.privateKey, true),
    key: pemOf(own.privateKey),
    issue: (subject) => {
      const { publicKey, privateKey } = pair();
      const cert = certificate(subject, name, publicKey, own.privateKey, false);
      return { cert, key: pemOf(privateKey) };
    },
  };
};
