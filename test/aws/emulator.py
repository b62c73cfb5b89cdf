"""Runs MiniStack with three things mended.

Lambda reports the name of the error that a handler threw, and Step Functions matches Retry and Catch by it.
MiniStack reports every failure of a Node.js handler as Runtime.HandlerError, so no retry would ever match.

EventBridge Scheduler puts the due time into a target's input, where that asks for it. MiniStack fires schedules,
and hands the input over as it is written.

IAM looks at a schedule's ARN, which has its group in it. MiniStack takes every schedule for one of the default group."""
import json
import re

from ministack.core import iam_actions, lambda_runtime
from ministack.services import eventbridge, lambda_svc

# -- names of errors
SAID = 'error: String(err.message || err), trace:'
NAMED = "error: '<' + (err.name || 'Error') + '>' + String(err.message || err), trace:"

script = lambda_runtime._NODEJS_WORKER_SCRIPT
assert SAID in script, 'this version of MiniStack says differently how a handler failed'
lambda_runtime._NODEJS_WORKER_SCRIPT = script.replace(SAID, NAMED)

execute = lambda_svc._execute_function_warm


def execute_and_name(*given):
    result = execute(*given)
    body = result.get('body')
    if result.get('error') and isinstance(body, dict):
        named = re.fullmatch(r'<(\w+)>(.*)', body.get('errorMessage', ''), re.DOTALL)
        if named:
            body['errorType'], body['errorMessage'] = named.groups()
    return result


lambda_svc._execute_function_warm = execute_and_name

# -- https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
invoke_target = eventbridge._invoke_target


def invoke_with_due_time(target, event, rule, view=None):
    due = re.fullmatch(r'at\((.+)\)', rule.get('ScheduleExpression') or '')
    if due and target.get('Input'):
        given = target['Input'].replace('<aws.scheduler.scheduled-time>', due[1] + 'Z')
        target = {**target, 'Input': given}
    return invoke_target(target, event, rule, view)


eventbridge._invoke_target = invoke_with_due_time

# -- https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
resource_arn = iam_actions.extract_resource_arn


def resource_arn_in_group(service, method, path, headers, body, query, region, account):
    arn = resource_arn(service, method, path, headers, body, query, region, account)
    if service != 'scheduler' or ':schedule/default/' not in arn:
        return arn
    asked = query.get('groupName') or json.loads(body or '{}').get('GroupName') or 'default'
    group = asked[0] if isinstance(asked, list) else asked
    return arn.replace(':schedule/default/', f':schedule/{group}/')


iam_actions.extract_resource_arn = resource_arn_in_group

if __name__ == '__main__':
    from ministack.app import main
    main()
