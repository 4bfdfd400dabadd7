"""The pages of one's own files."""

import contextlib
from typing import Any, cast

from django.contrib import messages
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator

from accounts.models import User
from accounts.views import UserPage
from files import rules
from files.models import File
from runtime import kinds, storage, store
from runtime.bodies import takes_files

# What a file was promised to be, which its sender brings back.
promises = signing.TimestampSigner(salt="files.large")


class Page(UserPage):
    """A page for somebody who has logged in, where there is a store."""

    def owner(self) -> User:
        return cast("User", self.request.user)

    def context(self, **more: Any) -> dict[str, Any]:
        return self.get_context_data(rules=rules, **more)


# Checked before the form is read: a little more than the file itself.
@method_decorator(takes_files(megabytes=rules.MEGABYTES + 1), name="dispatch")
class Files(Page):
    def get(self, request: HttpRequest, problem: rules.Problem | None = None) -> HttpResponse:
        context = self.context(
            files=self.owner().files.all(),
            direct=rules.LARGE_MEGABYTES and isinstance(storage.current(), store.Bucket),
            problem=problem,
        )
        if isinstance(storage.current(), store.Nowhere):
            storage.current().ask()
        return render(request, "files/files.html", context, status=problem.status if problem else 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        sent = cast("Any", request.FILES.get("file"))
        if problem := rules.problem(sent, self.owner().files.count()):
            return self.get(request, problem)
        File.objects.create(
            owner=self.owner(),
            file=sent,
            title=rules.title(sent.name),
            media_type=kinds.of(sent).media_type,
            size=sent.size,
        )
        messages.success(request, rules.SENT)
        return redirect("files:files")


class Open(Page):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return redirect(get_object_or_404(File, pk=pk, owner=self.owner()).url)


class Remove(Page):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        get_object_or_404(File, pk=pk, owner=self.owner()).delete()
        messages.success(request, rules.REMOVED)
        return redirect("files:files")


class Large(Page):
    """Has a form that sends a file to the bucket, past us: of one kind, under one name, up to a size."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not rules.LARGE_MEGABYTES or isinstance(storage.current(), store.Folder):
            return redirect("files:files")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, problem: rules.Problem | None = None) -> HttpResponse:
        status = problem.status if problem else 200
        return render(request, "files/large.html", self.context(problem=problem), status=status)

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen, typed = request.POST.get("kind", ""), request.POST.get("title", "").strip()
        if self.owner().files.count() >= rules.MOST_FILES:
            return self.get(request, rules.TOO_MANY)
        if chosen not in rules.CHOICES or not typed:
            return self.get(request, rules.NO_TITLE)
        kind, title = rules.CHOICES[chosen], rules.title(typed)
        name = store.new_name(rules.FOLDER, kind)
        promise = promises.sign_object([self.owner().pk, name, kind.media_type, title])
        back = f"{request.scheme}://{request.get_host()}{reverse('files:arrived', query={'promise': promise})}"
        upload = storage.current().form(name, kind, rules.LARGE_MEGABYTES * 1_000_000, back)
        if upload is None:
            return redirect("files:files")
        fields = [*upload.fields.items()]
        context = self.context(upload=upload, fields=fields, title=title, kind=chosen, media_type=kind.media_type)
        return render(request, "files/large.html", context)


class Arrived(Page):
    """Where the bucket sends a browser back to: takes note of a file that is there and what it was promised to be."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if self.record():
            messages.success(request, rules.SENT)
        else:
            messages.error(request, rules.NOT_ARRIVED)
        return redirect("files:files")

    def record(self) -> bool:
        try:
            promise = promises.unsign_object(self.request.GET.get("promise", ""), max_age=2 * store.SENDABLE)
        except signing.BadSignature:
            return False
        owner, name, media_type, title = promise
        if owner != self.owner().pk:
            return False
        if self.owner().files.filter(file=name).exists():
            return True
        if self.owner().files.count() >= rules.MOST_FILES:  # there were fewer when it was promised
            storage.current().delete(name)
            return False
        size = storage.current().arrived(name, kinds.KINDS[media_type], rules.LARGE_MEGABYTES * 1_000_000)
        if size is None:
            return False
        # Two windows may have been told at once.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            File.objects.create(owner=self.owner(), file=name, title=title, media_type=media_type, size=size)
        return True
