// node count.mjs REPORT... : sums vitest's JSON reports, tells each one's time, and prints `N passed, N failed` as its last line.
// A report that is missing, or of a run that ended badly without a failed test, counts as one failure.
import { readFileSync } from 'node:fs';

const outcome = (report) => {
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, crashed: true };
  }
  const tests = result.testResults.flatMap((file) => file.assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const failed = tests.filter(({ status }) => status === 'failed').length;
  // A file that could not be loaded, or whose set-up failed, has no failed test of its own.
  const broken = result.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'),
  ).length;
  const silent = !result.success && failed + broken === 0 ? 1 : 0;
  const ended = Math.max(...result.testResults.map(({ endTime }) => endTime), result.startTime);
  const seconds = Math.round((ended - result.startTime) / 1000);
  return { passed, failed: failed + broken + silent, crashed: broken + silent > 0, seconds };
};

const total = { passed: 0, failed: 0 };
for (const report of process.argv.slice(2)) {
  const { passed, failed, crashed, seconds } = outcome(report);
  total.passed += passed;
  total.failed += failed;
  const name = report.replace(/^.*\//, '').replace(/\.json$/, '');
  const counts = `${passed} passed, ${failed} failed${crashed ? ' (crashed)' : ''}`;
  console.log(`${name.padEnd(28)} ${counts.padEnd(28)} ${seconds >= 0 ? `${seconds} s` : ''}`);
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
