/** Operations as executions of Step Functions: the operation's id is the name of the first one. */
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { PumphouseError } from './domain/errors.ts';
import { executionOf, type Operation } from './domain/operation.ts';
import type { Workflows } from './ports.ts';

/** @param machines the ARNs of the state machines, by kind of operation */
export const stepFunctions = (machines: Readonly<Record<string, string>>): Workflows => {
  const client = new SFNClient({});

  const machineOf = ({ kind }: Operation) => {
    const arn = machines[kind];
    if (arn) return arn;
    throw new PumphouseError('NotImplemented', `There is no state machine for a ${kind}`);
  };

  return {
    async start(operation) {
      const stateMachineArn = machineOf(operation);
      const input = JSON.stringify({ operation: operation.id });
      try {
        await client.send(
          new StartExecutionCommand({ stateMachineArn, name: executionOf(operation), input }),
        );
      } catch (error) {
        if (!(error instanceof ExecutionAlreadyExists)) throw error;
      }
    },

    async status(operation) {
      const machine = machineOf(operation).replace(':stateMachine:', ':execution:');
      try {
        const { status } = await client.send(
          new DescribeExecutionCommand({ executionArn: `${machine}:${executionOf(operation)}` }),
        );
        if (status === 'SUCCEEDED') return 'succeeded';
        return status === 'RUNNING' || status === 'PENDING_REDRIVE' ? 'running' : 'failed';
      } catch (error) {
        if (error instanceof ExecutionDoesNotExist) return 'absent';
        throw error;
      }
    },
  };
};
