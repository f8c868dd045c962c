"""The official Python client with only base URL and key changed: what it reads, and which class it raises.

Arguments: one form of client, and the context of a proxy. Reads one JSON object a line, with url, key, what and prompt, retries where they are not its makers'.
Prints one JSON object for each: the answer, or the class, status and code of the error.
"""

import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import openai

MODEL = "gpt-4o"
form, context = sys.argv[1:]


def client_of(asked, kind=""):
    url, options = asked["url"], {"api_key": asked["key"]}
    if "retries" in asked:
        options["max_retries"] = asked["retries"]
    OpenAI, AzureOpenAI = getattr(openai, f"{kind}OpenAI"), getattr(openai, f"{kind}AzureOpenAI")
    dated = {"api_version": "2024-10-21"}
    forms = {
        "OpenAI": lambda: OpenAI(base_url=f"{url}/v1", **options),
        "OpenAI at /openai": lambda: OpenAI(base_url=f"{url}/openai", **options),
        "OpenAI at the root": lambda: OpenAI(base_url=url, **options),
        "OpenAI below the context": lambda: OpenAI(base_url=f"{url}/{context}/openai/v1", **options),
        "OpenAI at /v1 of the context": lambda: OpenAI(base_url=f"{url}/{context}/v1", **options),
        "AzureOpenAI": lambda: AzureOpenAI(azure_endpoint=url, **dated, **options),
        "AzureOpenAI below the context": lambda: AzureOpenAI(azure_endpoint=f"{url}/{context}/", **dated, **options),
        "AzureOpenAI with a base": lambda: AzureOpenAI(base_url=f"{url}/openai/v1", **dated, **options),
        "AzureOpenAI with a base below the context": lambda: AzureOpenAI(
            base_url=f"{url}/{context}/openai/v1", **dated, **options
        ),
        "AzureOpenAI with a deployment": lambda: AzureOpenAI(
            azure_endpoint=url, azure_deployment=MODEL, **dated, **options
        ),
        "AzureOpenAI with a deployment below the context": lambda: AzureOpenAI(
            azure_endpoint=f"{url}/{context}", azure_deployment=MODEL, **dated, **options
        ),
        "AzureOpenAI with a token": lambda: AzureOpenAI(
            azure_endpoint=url, azure_ad_token=options.pop("api_key"), **dated, **options
        ),
        "AzureOpenAI with a token below the context": lambda: AzureOpenAI(
            azure_endpoint=f"{url}/{context}", azure_ad_token=options.pop("api_key"), **dated, **options
        ),
    }
    return forms[form]()


def messages(asked):
    return [{"role": "user", "content": asked["prompt"]}]


def chat(asked):
    completion = client_of(asked).chat.completions.create(model=MODEL, messages=messages(asked))
    return completion.choices[0].message.content


def chat_stream(asked):
    chunks = client_of(asked).chat.completions.create(model=MODEL, messages=messages(asked), stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def responses(asked):
    return client_of(asked).responses.create(model=MODEL, input=asked["prompt"]).output_text


def responses_stream(asked):
    events = client_of(asked).responses.create(model=MODEL, input=asked["prompt"], stream=True)
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def embeddings(asked):
    created = client_of(asked).embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    return [len(one.embedding) for one in created.data]


def models(asked):
    return [model.id for model in client_of(asked).models.list()]


def both(asked):
    """Two at the same time, one of them streamed."""
    with ThreadPoolExecutor() as pool:
        return [one.result() for one in [pool.submit(what, asked) for what in (chat, responses_stream)]]


def parsed(asked):
    """The helper that reads a schema's answer."""
    import pydantic

    class Weather(pydantic.BaseModel):
        city: str
        sunny: bool

    completion = client_of(asked).chat.completions.parse(
        model=MODEL, messages=messages(asked), response_format=Weather
    )
    return isinstance(completion.choices[0].message.parsed, Weather)


def helper_stream(asked):
    """The helper that puts a stream together."""
    with client_of(asked).chat.completions.stream(model=MODEL, messages=messages(asked)) as stream:
        for _ in stream:
            pass
        return stream.get_final_completion().choices[0].message.content


def stream_left(asked):
    """Closed after its first content."""
    chunks = client_of(asked).chat.completions.create(model=MODEL, messages=messages(asked), stream=True)
    for chunk in chunks:
        if chunk.choices and chunk.choices[0].delta.content:
            chunks.close()
            return "left"


async def cancelled(asked):
    call = asyncio.create_task(
        client_of(asked, "Async").chat.completions.create(model=MODEL, messages=messages(asked))
    )
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    call.cancel()
    await call


def chat_cancelled(asked):
    """Before its answer, when a further line says so."""
    try:
        return asyncio.run(cancelled(asked))
    except asyncio.CancelledError as error:
        return type(error).__name__


while line := sys.stdin.readline():
    question = json.loads(line)
    try:
        outcome = {"answer": globals()[question["what"]](question)}
    except openai.APIError as error:
        outcome = {"error": type(error).__name__, "status": getattr(error, "status_code", None), "code": error.code}
    print(json.dumps(outcome), flush=True)
