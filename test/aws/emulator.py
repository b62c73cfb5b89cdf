"""Runs MiniStack with one thing mended.

Lambda reports the name of the error that a handler threw, and Step Functions matches Retry and Catch by it.
MiniStack reports every failure of a Node.js handler as Runtime.HandlerError, so no retry would ever match."""
import re

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

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

if __name__ == '__main__':
    from ministack.app import main
    main()
