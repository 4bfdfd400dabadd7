"""What those who sell fill in."""

from django import forms

from shop.models import Product


class ProductForm(forms.ModelForm):
    class Meta:
        model = Product
        fields = ("category", "name", "price")


class ImportForm(forms.Form):
    file = forms.FileField()
