"""Which address of the account pages leads where."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.Account.as_view(), name="account"),
    path("delete/", views.Delete.as_view(), name="delete"),
    path("login/", views.LogIn.as_view(), name="login"),
    path("logout/", views.LogOut.as_view(), name="logout"),
    path("password/", views.ChangePassword.as_view(), name="password"),
    path("reset/", views.Reset.as_view(), name="reset"),
    path("reset/finish/", views.FinishReset.as_view(), name="finish_reset"),
    path("sent/", views.Sent.as_view(), name="sent"),
    path("signup/", views.SignUp.as_view(), name="signup"),
    path("signup/finish/", views.FinishSignUp.as_view(), name="finish_signup"),
]
