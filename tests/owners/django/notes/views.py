"""The notes page."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.models import User
from notes.models import Note


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ("text",)


class Request(HttpRequest):
    user: User  # as login_required sees to


@login_required
def index(request: Request) -> HttpResponse:
    form = NoteForm(request.POST or None, instance=Note(user=request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("/notes/")
    return render(request, "notes/index.html", {"form": form, "notes": Note.objects.filter(user=request.user)})
