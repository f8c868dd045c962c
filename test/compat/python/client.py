"""The official Python client with only base URL and key changed: what it reads, and which class it raises.

Arguments: one JSON object with url, context, key, form, what, and number, which makes each prompt another one. Prints one JSON object: the answer, or the class and status of the error.
"""

import json
import sys

import openai

asked = json.loads(sys.argv[1])
url, key, what = asked["url"], asked["key"], asked["what"]
client = {
    "OpenAI": lambda: openai.OpenAI(base_url=f"{url}/v1", api_key=key),
    "OpenAI below the context": lambda: openai.OpenAI(base_url=f"{url}/{asked['context']}/openai/v1", api_key=key),
    "AzureOpenAI": lambda: openai.AzureOpenAI(azure_endpoint=url, api_key=key, api_version="2024-10-21"),
}[asked["form"]]()
messages = [{"role": "user", "content": f"{what} for {asked['form']}, question {asked['number']}, long enough to have two chunks"}]


def chat():
    return client.chat.completions.create(model="gpt-4o", messages=messages).choices[0].message.content


def chat_stream():
    chunks = client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def responses():
    return client.responses.create(model="gpt-4o", input=messages[0]["content"]).output_text


def responses_stream():
    events = client.responses.create(model="gpt-4o", input=messages[0]["content"], stream=True)
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def embeddings():
    return [len(one.embedding) for one in client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).data]


def models():
    return [model.id for model in client.models.list()]


try:
    print(json.dumps({"answer": globals()[what]()}))
except openai.APIError as error:
    print(json.dumps({"error": type(error).__name__, "status": getattr(error, "status_code", None), "code": error.code}))
