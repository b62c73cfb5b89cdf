/** Reads Server-Sent Events by the standard's rules, as far as we send them. */

export interface ReadFrame {
  id?: string;
  event?: string;
  data?: string;
  retry?: string;
  comment?: string;
}

const readFrame = (text: string): ReadFrame => {
  const frame: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    const name = field === '' ? 'comment' : field;
    frame[name] = name === 'data' && 'data' in frame ? `${frame.data}\n${value}` : value;
  }
  return frame;
};

export const readFrames = (text: string): ReadFrame[] =>
  text.split('\n\n').flatMap((one) => (one === '' ? [] : [readFrame(one)]));

/** Those that an EventSource would dispatch. */
export const readEvents = (text: string) =>
  readFrames(text).filter((frame): frame is Required<ReadFrame> => frame.data !== undefined);
