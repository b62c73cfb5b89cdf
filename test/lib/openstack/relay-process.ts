/** Relays one image in a process of its own, and tells what it took. */
import { openCloud } from '../../../lib/openstack/cloud.ts';
import { loadCloud } from '../../../lib/openstack/clouds-yaml.ts';
import { relay } from '../../../lib/openstack/relay.ts';
import { cloudsText } from './scripted-server.ts';

const [source = '', destination = ''] = process.argv.slice(2);
const { bytes } = await relay(
  openCloud(loadCloud(cloudsText(source), 'east'), 'source'),
  openCloud(loadCloud(cloudsText(destination), 'east'), 'destination'),
  { sourceImageId: 'img', destinationImageId: 'img' },
);
console.log(JSON.stringify({ bytes, peakMiB: process.resourceUsage().maxRSS / 1024 }));
